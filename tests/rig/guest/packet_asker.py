"""Asks QEMU's own network for packets and reads them, until it is ended: a process that lives on what a network card brings.

Each request gets one datagram back; a handful is under way at a time, as one after the other would be too few a second in an emulated guest.
The socket is connected, so that its local address is the card's.
"""

import socket

import network

_UNDER_WAY = 16

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
    asker.connect(network.HOST)
    asker.settimeout(1.0)
    while True:
        for _ in range(_UNDER_WAY):
            asker.send(network.REQUEST)
        try:
            for _ in range(_UNDER_WAY):
                asker.recv(2048)
        except TimeoutError:
            pass  # some were lost: on with the next
