#!/usr/bin/python3
"""Runs a command on a terminal of 24 rows, and prints what a person saw there.

  on_a_terminal.py COLUMNS COMMAND...

Prints three parts: "during:" every state of the last row while the command ran, each once; "screen:" the rows at the end,
scrolled ones first; "margins:" the scrolling region that is left ("none" if all is as before). Exit status: the command's,
or 77 if the terminal emulator (python3-pyte) is not installed.
"""
import os
import pty
import sys

try:
    import pyte
except ImportError as missing:
    print(f"no terminal emulator (scripts/install_deps): {missing}")
    sys.exit(77)

ROWS = 24


def main():
    columns = int(sys.argv[1])
    pid, terminal = pty.fork()
    if pid == 0:
        import fcntl
        import struct
        import termios
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        os.environ.update(TERM="xterm", LANG="C.UTF-8")
        os.execvp(sys.argv[2], sys.argv[2:])
    screen = pyte.HistoryScreen(columns, ROWS, history=10000, ratio=.5)
    stream = pyte.ByteStream(screen)
    during = []
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        stream.feed(data)
        last = screen.display[-1].rstrip()
        if last not in during:
            during.append(last)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("during:", *during, sep="\n")
    print("screen:")
    for row in screen.history.top:
        print("".join(row[column].data for column in range(columns)).rstrip())
    print("\n".join(row.rstrip() for row in screen.display).rstrip("\n"))
    whole = screen.margins is None or tuple(screen.margins) == (0, ROWS - 1)
    print("margins:", "none" if whole else screen.margins)
    sys.exit(status)


main()
