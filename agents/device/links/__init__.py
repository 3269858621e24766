"""The lines there are: serial ports and ptys, TCP sockets, and a pair within one process."""
