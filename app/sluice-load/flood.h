/* flood: streams of raw frames that belong to no connection, as a packet generator sends them: SYNs, ACKs, pings. The same seed makes the same frames. */
#ifndef LOAD_FLOOD_H
#define LOAD_FLOOD_H

enum flood_kind { FLOOD_SYN, FLOOD_ACK, FLOOD_ICMP, FLOOD_MIXED, FLOOD_KINDS };

#endif
