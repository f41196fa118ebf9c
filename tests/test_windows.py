"""Nothing stands in the way of Windows: what only POSIX systems have is asked for before it is used. Read, not run."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "app.py", *sorted((ROOT / "vae_explorer").rglob("*.py"))]

# From Python's library reference: "Availability: Unix".
MODULES = {
    "crypt",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
}
NAMES = {
    "os": {
        *(
            "O_NONBLOCK",
            "WNOHANG",
            "chown",
            "chroot",
            "fork",
            "forkpty",
            "getegid",
            "geteuid",
            "getgid",
            "getgroups",
            "getloadavg",
        ),
        *(
            "getpgid",
            "getpriority",
            "getuid",
            "killpg",
            "lchown",
            "mkfifo",
            "nice",
            "pread",
            "pwrite",
            "register_at_fork",
        ),
        *("sched_getaffinity", "sched_setaffinity", "setgid", "setpgid", "setpriority", "setsid", "setuid", "statvfs"),
        *("sync", "sysconf", "uname", "wait", "wait3", "wait4"),
    },
    "signal": {
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2"),
        *("alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait"),
    },
    "time": {"tzset", "pthread_getcpuclockid"},
    "socket": {"AF_UNIX"},
}
PLACES = ("/tmp", "/proc", "/dev/", "/etc/", "/usr/", "/var/")


def posix_only(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields line and name of all that only POSIX systems have and that is used without asking."""
    yield from _walk(tree, guarded=False)


def _walk(node: ast.AST, *, guarded: bool) -> Iterator[tuple[int, str]]:
    if not guarded:
        yield from _used(node)
    asked = isinstance(node, ast.If | ast.IfExp) and _asks(node.test)
    tried = isinstance(node, ast.Try) and any(_catches(handler) for handler in node.handlers)
    for field, value in ast.iter_fields(node):
        inside = guarded or asked or (tried and field == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, guarded=inside)


def _used(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import(names=names):
            yield from ((node.lineno, each.name) for each in names if each.name.partition(".")[0] in MODULES)
        case ast.ImportFrom(module=str(module), names=names):
            wrong = [each.name for each in names if each.name in NAMES.get(module, ())]
            yield from ((node.lineno, each) for each in ([module] * (module in MODULES)) + wrong)
        case ast.Attribute(value=ast.Name(id=module), attr=name) if name in NAMES.get(module, ()):
            yield node.lineno, f"{module}.{name}"
        case ast.Constant(value=str(text)) if text.startswith(PLACES):
            yield node.lineno, text


def _asks(test: ast.expr) -> bool:
    """Whether a condition asks for the platform, or for what is used."""
    text = ast.unparse(test)
    return any(sign in text for sign in ("sys.platform", "os.name", "hasattr(os", "hasattr(signal"))


def _catches(handler: ast.ExceptHandler) -> bool:
    text = ast.unparse(handler.type) if handler.type else ""
    return "ImportError" in text or "AttributeError" in text or "ModuleNotFoundError" in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_uses_nothing_that_windows_lacks(path: Path) -> None:
    assert list(posix_only(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from os import fork",
        "import os\nos.getuid()",
        "import signal\ndef end(): return signal.SIGKILL",
        "FOLDER = '/tmp/cache'",
        "try:\n    import resource\nexcept ValueError:\n    pass",
    ],
)
def test_the_reader_sees_what_it_is_for(source: str) -> None:
    assert len(list(posix_only(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
        "import os\nload = os.getloadavg()[0] if hasattr(os, 'getloadavg') else 0",
        "import sys\nif sys.platform != 'win32':\n    import fcntl",
        "import os\nos.getpid()",
    ],
)
def test_the_reader_lets_pass_what_asks_first(source: str) -> None:
    assert list(posix_only(ast.parse(source))) == []


def test_an_installation_is_refused_with_what_to_type_instead() -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--dry-run", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pip install -r requirements.txt, and then: streamlit run app.py" in done.stdout + done.stderr
