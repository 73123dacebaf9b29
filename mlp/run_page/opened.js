// The page as it was written: its arrays stand in it.
unpackArrays().then(showReport);
