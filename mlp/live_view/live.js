// The page of a run that goes on: the server that it came from sends all there is to show, again and again.
const source = new EventSource("events");
let latest = null, working = false;

async function showLatest() { // in order, and of several that wait the last alone
  if (working) return;
  working = true;
  while (latest) {
    const { head: now, data } = JSON.parse(latest);
    latest = null;
    const arrays = await unpackArrays(data, now.arrays);
    Object.assign(head, now);
    showReport(arrays);
    document.title = head.state === "done" ? head.title : `${head.verdict.split(",")[0]} · ${head.title}`;
    document.documentElement.dataset.updates = +(document.documentElement.dataset.updates || 0) + 1;
  }
  working = false;
}
function showConnection(state, text) {
  document.documentElement.dataset.connection = state;
  fill("connection", text, () => [make("p", { class: `connection ${state}`, role: "status" }, text)]);
}
section("connection");
unpackArrays().then(showReport).then(() => section("findings").setAttribute("aria-live", "polite"));
source.addEventListener("open", () => showConnection("live", "This page grows while the training goes on."));
source.addEventListener("state", (event) => { latest = event.data; showLatest(); });
source.addEventListener("end", (event) => {
  source.close();
  latest = event.data;
  showLatest().then(() => showConnection("ended", "The training has ended. This is its report; report.html in the run directory holds the same."));
});
source.addEventListener("error", () => { if (source.readyState !== 2) source.close(); showConnection("lost", "The training no longer answers: it was ended. What had arrived stays here."); });
