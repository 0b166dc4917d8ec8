// HeldUpWishes: whose threads are looked at for being held up, beyond what their slots say. Passive data.
#ifndef HFTMON_DAEMON_INGEST_HELD_UP_WISHES_H_
#define HFTMON_DAEMON_INGEST_HELD_UP_WISHES_H_

namespace hftmon {

struct HeldUpWishes {
  bool sleeps_of_all = false;  // a subscriber asks for blocked ones; else those whose slot says HFT_BLOCKED
  bool kernel_stalls = false;  // a target asks for what the kernel does in its threads' time
  bool operator==(const HeldUpWishes&) const = default;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_HELD_UP_WISHES_H_
