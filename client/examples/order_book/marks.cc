#include "client/examples/order_book/marks.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace hftmon::order_book {
namespace {

// 4 MiB of each thread: more leave the caches on their way round, fewer are overwritten while the reader rests.
constexpr uint32_t kRingRecords = 131'072;

constexpr double kBeatSeconds = 10e-6;

}  // namespace

Marks::Marks(const Plan& plan) : plan_(plan) {
  if (plan_.level == MarkLevel::kOff) return;
  const hftmon_marker_options options = {.thread_max = 2,
                                         .record_max = kRingRecords,
                                         .operation_max = kOperations + 1,
                                         .directory = plan_.directory.empty() ? nullptr : plan_.directory.c_str()};
  marker_ = hftmon_marker_create(&options);
  if (marker_ == nullptr) {
    error_ = errno;
    return;
  }
  for (size_t i = 0; i < kOperations; ++i) ids_[i] = hftmon_marker_operation(marker_, kOperationNames[i]);
}

Marks::~Marks() {
  hftmon_marker_close(marker_);
}

MarkThread* Marks::Open(Slot* slot) {
  if (marker_ == nullptr) return &slot->thread;
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  if (thread == nullptr) slot->error = errno;
  slot->thread = MarkThread(thread, ids_, plan_.level, static_cast<uint64_t>(plan_.ticks_per_second * kBeatSeconds));
  return &slot->thread;
}

std::string Marks::reason() const {
  const int error = error_ != 0 ? error_ : (engine_.error != 0 ? engine_.error : gateway_.error);
  if (error == 0) return "";
  return fmt::format("no ring for marks in {}: {}: mend that, or leave marks out with --markers off",
                     plan_.directory.empty() ? "/dev/shm" : plan_.directory, std::strerror(error));
}

uint64_t Marks::record_count() const {
  return gateway_.thread.record_count() + engine_.thread.record_count();
}

}  // namespace hftmon::order_book
