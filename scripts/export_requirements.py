"""Write requirements.txt and requirements-dev.txt from uv.lock, or check them.

`make lock` runs it after `uv lock`; a test runs it with --check.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    "requirements.txt": (
        "# What the product and its lab need, exported from uv.lock by `make lock`.\n"
        "# espeakng-loader (GPL-3, see THIRD_PARTY.md) is for the lab alone; the demo\n"
        "# needs it, so it is here.  It runs as a process of its own.\n",
        ["--no-dev"],
    ),
    "requirements-dev.txt": (
        "# What the tests and checks need on top of requirements.txt, exported from\n"
        "# uv.lock by `make lock`.\n-r requirements.txt\n",
        ["--only-dev"],
    ),
}


def export(options: list[str]) -> str:
    """Ask uv for one requirements file, without network."""
    command = [
        sys.executable, "-m", "uv", "export", "--offline", "--frozen", "--quiet",
        "--no-header", "--no-emit-project", "--extra", "lab", *options,
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - fixed words
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"uv export failed:\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Write the files, or with --check say which of them is not what it should be."""
    stale = []
    for name, (header, options) in FILES.items():
        text = header + export(options)
        path = ROOT / name
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        sys.exit(f"{' and '.join(stale)}: not what uv.lock says. Run `make lock`.")


if __name__ == "__main__":
    main()
