#include "daemon/numa/pacer.h"

#include <chrono>
#include <thread>
#include <utility>

namespace hftmon {

SystemPacer::SystemPacer(std::stop_token stop, int64_t pause_ns) : stop_(std::move(stop)), pause_ns_(pause_ns) {}

bool SystemPacer::Pause() {
  if (stop_.stop_requested()) return false;
  std::this_thread::sleep_for(std::chrono::nanoseconds(pause_ns_));
  return !stop_.stop_requested();
}

}  // namespace hftmon
