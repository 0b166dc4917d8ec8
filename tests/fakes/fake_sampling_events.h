// FakeSamplingEvents: a kernel with threads whose sampling events write into rings as the test tells it to.
//
// It fails the test on a call that the kernel would not understand, and when descriptors or mappings are left. One thread.
#ifndef HFTMON_TESTS_FAKES_FAKE_SAMPLING_EVENTS_H_
#define HFTMON_TESTS_FAKES_FAKE_SAMPLING_EVENTS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring_memory.h"
#include "tests/fakes/perf_aux_writer.h"
#include "tests/fakes/perf_ring_writer.h"

namespace hftmon {

class FakeSamplingEvents final : public PerfEventCalls, public PerfRingMemory {
 public:
  struct Event {
    perf_event_attr attributes = {};
    pid_t tid = 0;
    int cpu = -1;
    int leader = -1;  // -1: it leads
    int output = -1;  // whose ring; -1: its own
    bool on = false;
  };

  ~FakeSamplingEvents() override;

  std::set<pid_t> threads;  // of the one process
  int cpu_count = 2;
  absl::StatusOr<std::vector<pid_t>> List() const;

  // Before each open. The next opens, maps and controls end with these errors; 0 goes on as usual.
  std::function<void(pid_t tid)> before_open;
  std::optional<PerfTimeConversion> conversion;  // that rings are mapped with
  std::deque<int> open_errors, map_errors, control_errors;
  // What is read of a descriptor; without it reading fails the test: samples come through the ring.
  std::function<std::vector<uint64_t>(int descriptor)> reading;
  // As samples and readings name the event.
  static uint64_t IdOf(int descriptor) { return 7'000 + static_cast<uint64_t>(descriptor); }

  // A record of the event of that thread (-1: of the CPU), the `number`-th opened of it. False: it is off, or found no room.
  bool Write(pid_t tid, size_t number, std::span<const std::byte> record);
  PerfRingWriter& RingOf(pid_t tid);
  // Of events with AUX memory, likewise: a stretch of it. False: it is off, or found no room, and the kernel switches it off.
  bool WriteAux(pid_t tid, size_t number, std::span<const std::byte> bytes, const WrittenSample& who, uint64_t flags = 0);
  PerfAuxWriter& AuxOf(pid_t tid, size_t number = 0);
  const std::map<int, Event>& events() const { return events_; }
  size_t mapping_count() const { return rings_.size(); }

  int Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) override;
  ssize_t Read(int descriptor, std::span<std::byte> to) override;
  int Control(int descriptor, unsigned long request, unsigned long argument) override;
  void Close(int descriptor) override;
  size_t page_bytes() const override { return PerfRingWriter::kPageBytes; }
  PerfRingMapping Map(int descriptor, size_t bytes) override;
  PerfRingMapping MapAux(int descriptor, uint64_t offset, size_t bytes) override;
  void Unmap(std::span<std::byte> memory) override;

 private:
  struct Ring {
    std::vector<uint64_t> words;
    std::unique_ptr<PerfRingWriter> writer;
    std::vector<uint64_t> aux_words;
    std::unique_ptr<PerfAuxWriter> aux;
  };
  int DescriptorOf(pid_t tid, size_t number) const;

  static int TakeError(std::deque<int>* errors);

  std::map<int, Event> events_;
  std::map<int, Ring> rings_;  // by descriptor
  int next_descriptor_ = 50;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_SAMPLING_EVENTS_H_
