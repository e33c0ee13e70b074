"""
What a terminal shows of a run: the command runs in a pseudo-terminal, whose screen is printed as text.

    python docs/terminal.py COLUMNS COMMAND…     the screen in the middle of the run, a form feed, the screen at its end
"""

import fcntl
import os
import pty
import struct
import sys
import termios
import time

import pyte

ROWS = 50


def screens(columns: int, command: list[str]) -> tuple[list[list[str]], int]:
    """The screen of so many columns, once a second and at the end, each as lines; and the command's exit status."""
    screen = pyte.Screen(columns, ROWS)
    stream = pyte.ByteStream(screen)
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        for name in ("COLUMNS", "LINES"):  # which would win
            os.environ.pop(name, None)
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    taken, last = [], time.monotonic()
    while True:
        try:
            stream.feed(os.read(terminal, 2**16))
        except OSError:  # the command has ended
            break
        shown = lines(screen)
        if time.monotonic() - last > 1 and shown and shown[-1].endswith("╯"):  # not half of a picture
            taken, last = [*taken, shown], time.monotonic()
    _, status = os.waitpid(process, 0)
    return [*taken, lines(screen)], os.waitstatus_to_exitcode(status)


def lines(screen: pyte.Screen) -> list[str]:
    """What stands on the screen, without the empty rest."""
    return "\n".join(line.rstrip() for line in screen.display).rstrip().splitlines()


if __name__ == "__main__":
    found, code = screens(int(sys.argv[1]), sys.argv[2:])
    print("\n".join(found[len(found) // 2]), "\n".join(found[-1]), sep="\n\f\n")
    sys.exit(code)
