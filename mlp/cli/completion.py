"""The command `mlp completion`: a script that lets a shell complete commands and options.

It is written from the argument tables, so it knows what the commands know. After it is sourced, nothing of this package
runs when somebody presses Tab.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from mlp.cli.process import DONE

BASH = """\
# put into ~/.bashrc:  source <(mlp completion bash)
_mlp() {{
    local options="" choices="{commands}"
    if [ "$COMP_CWORD" -gt 1 ]; then
        choices=""
        case "${{COMP_WORDS[1]}}" in
{cases}
        esac
    fi
    case "$2" in
        -*) COMPREPLY=($(compgen -W "$options" -- "$2")) ;;
        *) COMPREPLY=($(compgen -W "$choices" -- "$2")) ;;
    esac
}}
complete -o bashdefault -o default -F _mlp mlp
"""
ZSH = """\
#compdef mlp
# put into ~/.zshrc, below compinit:  source <(mlp completion zsh)
_mlp() {{
    local -a commands options choices
    if (( CURRENT == 2 )); then
        commands=({commands})
        _describe command commands
        return
    fi
    case "${{words[2]}}" in
{cases}
    esac
    compadd -- $choices
    if [[ "$PREFIX" == -* ]]; then compadd -- $options; else _files; fi
}}
compdef _mlp mlp
"""


def write_script(shell: str, commands: Mapping[str, Any]) -> str:
    """The script for one of `SHELLS`. `commands`: what each is called, with its `help` and its `arguments`."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


def _options(command: Any) -> str:
    """All options of a command."""
    return " ".join([n for argument in command.arguments for n in argument.names if n.startswith("-")] + ["--help"])


def _choices(command: Any) -> str:
    """The words that an argument of a command may be."""
    return " ".join(word for argument in command.arguments for word in argument.options.get("choices", ()))


def _bash(commands: Mapping[str, Any]) -> str:
    cases = [f'            {name}) options="{_options(c)}" choices="{_choices(c)}" ;;' for name, c in commands.items()]
    return BASH.format(commands=" ".join(commands), cases="\n".join(cases))


def _zsh(commands: Mapping[str, Any]) -> str:
    cases = [f"        {name}) options=({_options(c)}) choices=({_choices(c)}) ;;" for name, c in commands.items()]
    named = " ".join(_quote(f"{name}:{c.help}") for name, c in commands.items())
    return ZSH.format(commands=named, cases="\n".join(cases))


def _fish(commands: Mapping[str, Any]) -> str:
    return "\n".join(["# put into config.fish:  mlp completion fish | source", *_fish_lines(commands), ""])


def _fish_lines(commands: Mapping[str, Any]) -> Iterable[str]:
    for name, command in commands.items():
        yield f"complete -c mlp -f -n __fish_use_subcommand -a {name} -d {_quote(command.help)}"
        for argument in command.arguments:
            yield from _fish_options(name, argument)


def _fish_options(command: str, argument: Any) -> Iterable[str]:
    when = f"complete -c mlp -n '__fish_seen_subcommand_from {command}'"
    about = argument.options.get("help", "")
    about = f"-d {_quote(about() if callable(about) else about)}"
    takes = "" if argument.options.get("action") == "store_true" else " -r"
    for name in argument.names:
        if name.startswith("--"):
            yield f"{when} -l {name[2:]}{takes} {about}"
        elif name.startswith("-"):
            yield f"{when} -s {name[1:]}{takes} {about}"
    for word in argument.options.get("choices", ()):
        yield f"{when} -a {word}"


def _quote(text: str) -> str:
    """Text in single quotes, as all three shells read it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


def completion(given: argparse.Namespace) -> int:
    """Print the script for a shell."""
    from mlp.cli.arguments import COMMANDS  # which names this function: here, and not above

    print(write_script(given.shell, COMMANDS), end="")
    return DONE
