// OverflowingThreads: threads whose counters the test moves on, and whose samples and readings say how far they are. One thread.
#ifndef HFTMON_TESTS_DAEMON_PMU_OVERFLOWING_THREADS_H_
#define HFTMON_TESTS_DAEMON_PMU_OVERFLOWING_THREADS_H_

#include <linux/perf_event.h>

#include <map>
#include <vector>

#include "daemon/pmu/overflow_event.h"
#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {

class OverflowingThreads {
 public:
  struct Counts {
    uint64_t enabled_ns = 0;
    uint64_t running_ns = 0;
    uint64_t lost = 0;
    std::vector<uint64_t> values;  // of each event, the overflowing one first; missing ones are 0
  };

  explicit OverflowingThreads(std::vector<pid_t> tids) {
    kernel.threads.insert(tids.begin(), tids.end());
    kernel.reading = [this](int descriptor) { return WordsOf(descriptor); };
  }

  static OverflowEvent Overflow(int64_t rate_hz = 1'000) { return ChooseOverflowEvent(OverflowBy::kCpuClock, rate_hz, {}, {}).value(); }
  static CountedEvent Member(const std::string& name, uint64_t config) {
    CountedEvent member{.name = name};
    member.attributes.type = PERF_TYPE_SOFTWARE;
    member.attributes.config = config;
    return member;
  }
  static std::vector<CountedEvent> Members() {
    return {Member("page-faults", PERF_COUNT_SW_PAGE_FAULTS), Member("context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES)};
  }

  // The thread's counters are at this, and its event overflows. False: it is off, or there is no room.
  bool Overflow(pid_t tid, int64_t time_ns, const Counts& at, uint32_t cpu = 0) {
    counts[tid] = at;
    WrittenSample sample{.time_ns = static_cast<uint64_t>(time_ns), .cpu = cpu, .enabled_ns = at.enabled_ns, .running_ns = at.running_ns};
    sample.values.clear();
    for (const auto& [descriptor, event] : GroupOf(tid)) sample.values.push_back(ValueOf(descriptor, sample.values.size(), at));
    const bool written = kernel.Write(tid, 0, RecordBytes(PerfRecordType::kSample, 2, SampleBody(Layout(), sample)));
    if (!written) ++counts[tid].lost;
    return written;
  }
  bool Throttle(pid_t tid, int64_t time_ns, bool on) {
    Bytes body = WordsBody({static_cast<uint64_t>(time_ns), 1, 1});
    const Bytes trailer = TrailerBytes(Layout(), {.time_ns = static_cast<uint64_t>(time_ns)});
    body.insert(body.end(), trailer.begin(), trailer.end());
    return kernel.Write(tid, 0, RecordBytes(on ? PerfRecordType::kThrottle : PerfRecordType::kUnthrottle, 0, body));
  }

  FakeSamplingEvents kernel;
  std::map<pid_t, Counts> counts;

 private:
  static PerfAttr Layout() {
    PerfAttr layout = PlainAttr(PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_READ);
    layout.read_format = PerfReadBit::kKnown;
    return layout;
  }
  static WrittenValue ValueOf(int descriptor, size_t place, const Counts& at) {
    return {.value = place < at.values.size() ? at.values[place] : 0,
            .id = FakeSamplingEvents::IdOf(descriptor),
            .lost = place == 0 ? at.lost : 0};
  }
  std::map<int, FakeSamplingEvents::Event> GroupOf(pid_t tid) const {
    std::map<int, FakeSamplingEvents::Event> group;
    for (const auto& [descriptor, event] : kernel.events()) {
      if (event.tid == tid) group.emplace(descriptor, event);
    }
    return group;
  }
  std::vector<uint64_t> WordsOf(int descriptor) {
    const pid_t tid = kernel.events().at(descriptor).tid;
    const Counts& at = counts[tid];
    const auto group = GroupOf(tid);
    std::vector<uint64_t> words = {group.size(), at.enabled_ns, at.running_ns};
    size_t place = 0;
    for (const auto& [member, event] : group) {
      const WrittenValue value = ValueOf(member, place++, at);
      words.insert(words.end(), {value.value, value.id, value.lost});
    }
    return words;
  }
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_PMU_OVERFLOWING_THREADS_H_
