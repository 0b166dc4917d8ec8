// Pacer: the seam behind the pauses of a long look at a process, and what ends it early. One thread.
#ifndef HFTMON_DAEMON_NUMA_PACER_H_
#define HFTMON_DAEMON_NUMA_PACER_H_

#include <cstdint>
#include <stop_token>

namespace hftmon {

class Pacer {
 public:
  virtual ~Pacer() = default;
  // Between two portions of a look. False: the look is given up.
  virtual bool Pause() = 0;
};

class SystemPacer final : public Pacer {
 public:
  static constexpr int64_t kPauseNs = 1'000'000;

  // `stop` gives the look up at its next pause.
  explicit SystemPacer(std::stop_token stop = {}, int64_t pause_ns = kPauseNs);
  // Sleeps; whoever stops it meanwhile waits for the pause's end at most.
  bool Pause() override;

 private:
  const std::stop_token stop_;
  const int64_t pause_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PACER_H_
