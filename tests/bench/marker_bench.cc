// marker_bench: what a marker costs the thread that writes it, what a record costs the reader, and what is overwritten unread when two
// threads mark at a rate while the reader drains; and what a profile costs its thread, which nobody reads (hftmon_profile.h).
//
// Prints one JSON line per figure. "write": ns a record, ring drained between the batches that are timed, so nothing else runs meanwhile;
// beside it a record that is given its reading, the bare counter, the thread-local way to the handle, a handle that is closed and one that
// is none. "contended": the same while the reader drains from another CPU. "drain": ns a record for the reader alone, by pread into a sink
// that does nothing and into the book of operations, beside a copy from a mapping, which is what reading by system call is dearer than.
// "counters": ns a reading of a thread's own counters, and an operation between two; where the host has none it says why, and how dear the
// refusal is.
// "profile": ns an operation, with readings that are given, all alike and over three decades, and with its own two readings; and beside
// them the counter twice. "stream": writers that mark pairs at a rate, through MarkerReader, paced as the daemon has it, into the book;
// lost is what was overwritten before it was read. Usage: marker_bench [seconds of each stream, default 5]
// [write|profile|counters|contended|drain|stream]. Exit code: 1 when a record was neither delivered nor counted, 2 when a record costs more
// than its gate, else 0.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "client/marker/hftmon_counter_profile.h"
#include "client/marker/hftmon_marker.h"
#include "client/marker/hftmon_profile.h"
#include "daemon/markers/marker_reader.h"
#include "daemon/markers/operation_book.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

constexpr double kGateNs = 15;
constexpr double kAimNs = 12;
constexpr int kBatches = 400;
constexpr uint32_t kRingRecords = 524'288;  // the default
constexpr uint64_t kBatchRecords = 32'768;
constexpr int64_t kPollIntervalNs = 2'000'000;  // MarkerThread's

class NullMarkerSink : public MarkerSink {
  void OnOperation(uint32_t, std::string_view) override {}
  void OnRecords(std::span<const MarkerRecord>) override {}
};

class CountingSpans : public OperationSpanSink {
 public:
  void OnSpan(const OperationSpan&) override { ++count; }
  uint64_t count = 0;
};

double Seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void PinTo(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(cpu), &cpus);
  sched_setaffinity(0, sizeof(cpus), &cpus);
}

LinearConversion MeasureTicks(const RawClocks& clocks) {
  const uint64_t first_ticks = clocks.Ticks();
  const int64_t first_ns = clocks.MonotonicNs();
  while (clocks.MonotonicNs() < first_ns + 100'000'000) {
  }
  return *LinearConversion::Through(first_ticks, first_ns, clocks.Ticks(), clocks.MonotonicNs());
}

// A marker with one thread and its file, read by the bench itself.
struct Bench {
  explicit Bench(MarkerSink* sink, uint32_t record_max = kRingRecords) : marker(directory.Create(4, record_max, 16)) {
    thread = hftmon_marker_thread_open(marker);
    operation = hftmon_marker_operation(marker, "order");
    file = std::move(*MarkerRingFile::Open(directory.path(), OwnRingName(), OwnMarkerProcess(), &clocks, sink));
  }
  ~Bench() { hftmon_marker_close(marker); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  uint64_t DrainAll() {
    uint64_t count = 0;
    while (const uint64_t taken = file->Drain(1u << 20, &buffers)->record_count) count += taken;
    return count;
  }
  MarkerDirectory directory;
  SystemRawClocks clocks;
  MarkerBuffers buffers;
  hftmon_marker* const marker;
  hftmon_marker_thread* thread = nullptr;
  uint32_t operation = 0;
  std::unique_ptr<MarkerRingFile> file;
};

struct Figure {
  double median_ns = 0;
  double best_ns = 0;
  double p99_ns = 0;
};

// Of each batch the mean of one `act`; `between` is not timed.
template <typename Act, typename Between>
Figure Measure(uint64_t batch, Act act, Between between) {
  std::vector<double> ns;
  for (int i = 0; i < kBatches; ++i) {
    between();
    const double begin = Seconds(CLOCK_MONOTONIC);
    for (uint64_t n = 0; n < batch; ++n) act(n);
    ns.push_back((Seconds(CLOCK_MONOTONIC) - begin) * 1e9 / static_cast<double>(batch));
  }
  std::sort(ns.begin(), ns.end());
  return {.median_ns = ns[ns.size() / 2], .best_ns = ns.front(), .p99_ns = ns[ns.size() * 99 / 100]};
}

void Print(const std::string& mode, const std::string& what, const Figure& figure) {
  fmt::print(
      "{{\"bench\": \"marker\", \"mode\": \"{}\", \"what\": \"{}\", \"ns_median\": {:.2f}, \"ns_best\": {:.2f}, \"ns_p99\": {:.2f}}}\n",
      mode, what, figure.median_ns, figure.best_ns, figure.p99_ns);
  std::fflush(stdout);
}

bool RunWrite() {
  NullMarkerSink sink;
  double gated_ns = 0;
  for (const uint32_t records : {4'096u, 65'536u, kRingRecords}) {
    Bench bench(&sink, records);
    const uint64_t batch = std::min<uint64_t>(kBatchRecords, records / 2);
    const auto drain = [&] { bench.DrainAll(); };
    const Figure pairs = Measure(
        batch / 2,
        [&](uint64_t n) {
          hftmon_marker_begin(bench.thread, bench.operation, n);
          hftmon_marker_end(bench.thread, bench.operation, n);
        },
        drain);
    Figure one = {.median_ns = pairs.median_ns / 2, .best_ns = pairs.best_ns / 2, .p99_ns = pairs.p99_ns / 2};
    Print("write", fmt::format("begin or end, ring of {}", records), one);
    gated_ns = std::max(gated_ns, one.median_ns);
  }
  Bench bench(&sink);
  const auto drain = [&] { bench.DrainAll(); };
  uint64_t given = hftmon_marker_tsc();
  Print("write", "stamped with a reading that the thread has",
        Measure(
            kBatchRecords, [&](uint64_t n) { hftmon_marker_put_at(bench.thread, given, 0, n, HFT_MARKER_INSTANT, HFT_MARKER_OK); },
            [&] {
              bench.DrainAll();
              given = hftmon_marker_tsc();
            }));
  uint64_t ticks = 0;
  Print("write", "the counter alone",
        Measure(
            kBatchRecords, [&](uint64_t) { ticks += hftmon_marker_tsc(); }, [] {}));
  Print("write", "through hftmon_marker_this_thread",
        Measure(
            kBatchRecords, [&](uint64_t n) { hftmon_marker_instant(hftmon_marker_this_thread(bench.marker), 0, n); }, drain));
  // What a closed handle is, and a forked child's.
  hftmon_marker_thread closed{};
  hftmon_marker_thread* volatile closed_handle = &closed;
  Print("write", "closed handle",
        Measure(
            kBatchRecords, [&](uint64_t n) { hftmon_marker_instant(closed_handle, 0, n); }, [] {}));
  // So that the compiler cannot know it.
  hftmon_marker_thread* volatile none = nullptr;
  Print("write", "no handle",
        Measure(
            kBatchRecords, [&](uint64_t n) { hftmon_marker_instant(none, 0, n); }, [] {}));
  fmt::print(
      "{{\"bench\": \"marker\", \"mode\": \"write\", \"what\": \"gate\", \"ns_median\": {:.2f}, \"aim_ns\": {}, \"aim_met\": {}, "
      "\"gate_ns\": {}, "
      "\"gate_met\": {}, \"ticks\": {}}}\n",
      gated_ns, kAimNs, gated_ns <= kAimNs, kGateNs, gated_ns <= kGateNs, ticks != 0);
  return gated_ns <= kGateNs;
}

void RunProfile() {
  hftmon_profile* const profile = hftmon_profile_create(16);
  if (profile == nullptr) std::abort();
  // The sums stay in memory between two operations, as they do in a program that does something in between.
  const auto add = [&](uint32_t operation, uint64_t begin, uint64_t ticks) {
    hftmon_profile_add(profile, operation, begin, begin + ticks, false);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  };
  Print("profile", "an operation of given readings, all alike",
        Measure(
            kBatchRecords, [&](uint64_t n) { add(0, n, 3'000); }, [] {}));
  constexpr uint64_t kDurations = 4'096;
  std::vector<uint64_t> durations;
  std::mt19937_64 random(1);
  for (uint64_t n = 0; n < kDurations; ++n) {
    durations.push_back(static_cast<uint64_t>(300 * std::pow(1'000, std::generate_canonical<double, 53>(random))));
  }
  Print("profile", "an operation of given readings, over three decades, four operations in turn",
        Measure(
            kBatchRecords, [&](uint64_t n) { add(n % 4, n, durations[n % kDurations]); }, [] {}));
  Print("profile", "begin and end",
        Measure(
            kBatchRecords, [&](uint64_t) { hftmon_profile_end(profile, 1, hftmon_profile_begin()); }, [] {}));
  uint64_t ticks = 0;
  Print("profile", "the counter alone, twice",
        Measure(
            kBatchRecords,
            [&](uint64_t) {
              ticks += hftmon_marker_tsc();
              ticks ^= hftmon_marker_tsc();
            },
            [] {}));
  hftmon_profile_figures figures;
  if (ticks == 0 || !hftmon_profile_read(profile, 1, &figures) || figures.count < kBatches * kBatchRecords) std::abort();
  hftmon_profile_destroy(profile);
}

// A reading of two events through `counters`, and an operation between two of them.
void MeasureCounters(const std::string& what, const hftmon_counters* counters) {
  hftmon_counters_reading reading = {};
  uint64_t read_count = 0;
  Print("counters", fmt::format("a reading of two events, {}", what),
        Measure(
            kBatchRecords, [&](uint64_t) { read_count += hftmon_counters_read(counters, &reading); }, [] {}));
  hftmon_counter_profile* const profile = hftmon_counter_profile_create(1, 2);
  if (profile == nullptr) std::abort();
  Print("counters", fmt::format("an operation's begin and end, {}", what),
        Measure(
            kBatchRecords,
            [&](uint64_t) {
              hftmon_counter_span span;
              hftmon_counter_profile_begin(counters, &span);
              hftmon_counter_profile_end(profile, 0, counters, &span);
            },
            [] {}));
  hftmon_counter_figures figures;
  if (!hftmon_counter_profile_read(profile, 0, 0, &figures)) std::abort();
  if (figures.count + figures.uncounted_count != kBatches * kBatchRecords) std::abort();
  hftmon_counter_profile_destroy(profile);
  fmt::print(
      "{{\"bench\": \"marker\", \"mode\": \"counters\", \"what\": \"{}\", \"readings\": {}, \"operations\": {}, \"uncounted\": {}}}\n",
      what, read_count, figures.count, figures.uncounted_count);
}

void RunCounters() {
  const hftmon_counter_event events[] = {HFTMON_COUNTER_CYCLES, HFTMON_COUNTER_INSTRUCTIONS};
  hftmon_counters_refusal why;
  hftmon_counters* const counters = hftmon_counters_open(events, 2, &why);
  if (counters != nullptr) {
    MeasureCounters("counting", counters);
  } else {
    fmt::print("{{\"bench\": \"marker\", \"mode\": \"counters\", \"what\": \"counting\", \"unavailable\": \"{}\"}}\n", why.text);
  }
  hftmon_counters_close(counters);
  // So that the compiler cannot know it.
  hftmon_counters* volatile none = nullptr;
  MeasureCounters("no handle", none);
  // What the kernel leaves of a page while it has taken the registers away.
  perf_event_mmap_page page = {};
  page.capabilities = HFTMON_COUNTER_PAGE_READABLE;
  page.pmc_width = 48;
  const hftmon_counters paused = {.thread = hftmon_counters_thread(), .count = 2, .pages = {&page, &page}};
  MeasureCounters("taken away", &paused);
}

// The writer on one CPU, the reader on another: the cache lines wander.
void RunContended() {
  if (std::thread::hardware_concurrency() < 2) return;
  NullMarkerSink sink;
  Bench bench(&sink);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> read_count{0};
  std::thread reader([&] {
    PinTo(1);
    while (!stop.load(std::memory_order_relaxed)) {
      bench.DrainAll();
      read_count.store(bench.file->counts().delivered_count, std::memory_order_relaxed);
    }
  });
  PinTo(0);
  // The reader has it all again before the next.
  const auto drained = [&] {
    while (read_count.load(std::memory_order_relaxed) != bench.thread->index) {
    }
  };
  const Figure figure = Measure(
      kBatchRecords / 4, [&](uint64_t n) { hftmon_marker_instant(bench.thread, 0, n); }, drained);
  stop.store(true, std::memory_order_relaxed);
  reader.join();
  Print("contended", "instant while the reader spins on another CPU", figure);
}

// What a drain of a ring full of pairs takes, by the sink.
void RunDrain(const LinearConversion& ticks) {
  NullMarkerSink null;
  CountingSpans spans;
  OperationBook book(ticks, &spans);
  for (MarkerSink* sink : {static_cast<MarkerSink*>(&null), static_cast<MarkerSink*>(&book)}) {
    Bench bench(sink);
    const auto fill = [&] {
      for (uint64_t n = 0; n < kBatchRecords / 2; ++n) {
        hftmon_marker_begin(bench.thread, bench.operation, n);
        hftmon_marker_end(bench.thread, bench.operation, n);
      }
    };
    bench.DrainAll();
    Figure figure = Measure(
        1, [&](uint64_t) { bench.DrainAll(); }, fill);
    for (double* ns : {&figure.median_ns, &figure.best_ns, &figure.p99_ns}) *ns /= kBatchRecords;
    Print("drain", sink == &null ? "pread, checks" : "pread, checks, book of operations", figure);
  }
  Bench bench(&null);
  const auto fill = [&] {
    bench.DrainAll();
    for (uint64_t n = 0; n < kBatchRecords; ++n) hftmon_marker_instant(bench.thread, 0, n);
  };
  const uint64_t ring_at = hft_marker_ring_at(16, 4, kRingRecords, 0);
  const int fd = open(hftmon_marker_path(bench.marker), O_RDWR | O_CLOEXEC);
  const auto* mapped = static_cast<const char*>(
      mmap(nullptr, hft_marker_file_bytes(16, 4, kRingRecords, HFT_MARKER_RANGES_MAX), PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0));
  // One chunk after another, as a drain does.
  constexpr uint64_t kChunkBytes = MarkerBuffers::kChunkRecords * sizeof(hft_marker_record);
  std::vector<char> chunk(kChunkBytes);
  const auto copy = [&](auto read_chunk) {
    Figure figure = Measure(
        1,
        [&](uint64_t) {
          const uint64_t first = bench.thread->index % kRingRecords >= kBatchRecords ? 0 : kBatchRecords;
          for (uint64_t at = 0; at < kBatchRecords * sizeof(hft_marker_record); at += kChunkBytes) {
            read_chunk(ring_at + first * sizeof(hft_marker_record) + at);
          }
        },
        fill);
    for (double* ns : {&figure.median_ns, &figure.best_ns, &figure.p99_ns}) *ns /= kBatchRecords;
    return figure;
  };
  Print("drain", "copy by pread alone", copy([&](uint64_t at) {
          if (pread(fd, chunk.data(), kChunkBytes, static_cast<off_t>(at)) != static_cast<ssize_t>(kChunkBytes)) std::abort();
        }));
  Print("drain", "copy from a mapping alone (a file cut meanwhile kills the reader)",
        copy([&](uint64_t at) { std::memcpy(chunk.data(), mapped + at, kChunkBytes); }));
  munmap(const_cast<char*>(mapped), hft_marker_file_bytes(16, 4, kRingRecords, HFT_MARKER_RANGES_MAX));
  close(fd);
}

class BookSinks : public MarkerSinks {
 public:
  explicit BookSinks(const LinearConversion& ticks) : book(ticks, &spans) {}
  bool Wants(uint32_t) override { return true; }
  MarkerSink* Begin(const MarkerRingName&, const hft_marker_header&) override { return &book; }
  void End(const MarkerRingName&, MarkerSink*, const MarkerRingFile::Counts& ended, const absl::Status&) override { counts = ended; }
  CountingSpans spans;
  OperationBook book;
  MarkerRingFile::Counts counts;
};

// Pairs at `rate` records a second. What was not marked because the thread did not run is made up for where it is 5 ms at most:
// a program that was off its CPU does not have all its orders of that time at once. How many there are in the ring, the thread's own
// included.
uint64_t WriteAtRate(hftmon_marker* marker, double rate, double seconds, double ticks_per_second) {
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  const uint32_t operation = hftmon_marker_operation(marker, "order");
  const auto pairs = static_cast<uint64_t>(rate * seconds / 2);
  const double ticks_per_pair = 2 * ticks_per_second / rate;
  const double late_ticks_max = 5e-3 * ticks_per_second;
  auto due = static_cast<double>(hftmon_marker_tsc());
  for (uint64_t n = 0; n < pairs; ++n, due += ticks_per_pair) {
    auto now = static_cast<double>(hftmon_marker_tsc());
    for (; now < due; now = static_cast<double>(hftmon_marker_tsc())) {
    }
    if (now > due + late_ticks_max) due = now;
    hftmon_marker_begin(thread, operation, n);
    hftmon_marker_end(thread, operation, n);
  }
  return hftmon_marker_published_count(thread);
}

// False when a record is unaccounted for. The file is found before the first mark: what is lost then is lost to a reader that is late.
bool RunStream(int writers, double rate, uint32_t ring_records, double seconds, const LinearConversion& ticks) {
  const MarkerDirectory directory;
  const SystemRawClocks clocks;
  const ProcMarkerProcesses processes{FileRoot("/")};
  BookSinks sinks(ticks);
  const auto finder = std::move(*MarkerRingFinder::Create(directory.path()));
  MarkerReader reader({.finder = finder.get(), .processes = &processes, .clocks = &clocks, .sinks = &sinks},
                      {.poll_interval_ns = kPollIntervalNs, .idle_interval_ns = 1'000'000});
  std::atomic<bool> stop{false};
  double reader_cpu_seconds = 0;
  std::thread reading([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), -20);  // as a daemon's thread; without the right it stays as it is
    reader.Run(stop);
    reader_cpu_seconds = Seconds(CLOCK_THREAD_CPUTIME_ID);
  });
  hftmon_marker* const marker = directory.Create(4, ring_records, 16);
  while (reader.status().files.empty()) std::this_thread::yield();
  std::vector<uint64_t> written(static_cast<size_t>(writers));
  std::vector<std::thread> threads;
  threads.reserve(written.size());
  const double begin = Seconds(CLOCK_MONOTONIC);
  for (uint64_t& one : written) {
    threads.emplace_back([&] { one = WriteAtRate(marker, rate / writers, seconds, ticks.ticks_per_second()); });
  }
  for (std::thread& thread : threads) thread.join();
  const double took = Seconds(CLOCK_MONOTONIC) - begin;
  hftmon_marker_close(marker);
  // The reader leaves the file once it has read what is left.
  while (reader.status().ended.delivered_count == 0) std::this_thread::yield();
  stop.store(true, std::memory_order_relaxed);
  reading.join();
  const uint64_t all = std::accumulate(written.begin(), written.end(), uint64_t{0});
  const MarkerRingFile::Counts& counts = sinks.counts;
  const bool whole = counts.delivered_count + counts.overwritten_count == all;
  fmt::print(
      "{{\"bench\": \"marker\", \"mode\": \"stream\", \"writers\": {}, \"cpus\": {}, \"oversubscribed\": {}, \"ring\": {}, "
      "\"rate_asked_per_s\": {:.0f}, "
      "\"rate_per_s\": {:.0f}, \"records\": {}, \"delivered\": {}, \"lost\": {}, \"refused\": {}, \"spans\": {}, \"reader_cpu_share\": "
      "{:.2f}, "
      "\"reader_ns_per_record\": {:.2f}, \"accounted\": {}}}\n",
      writers, std::thread::hardware_concurrency(), static_cast<unsigned>(writers) + 1 > std::thread::hardware_concurrency(), ring_records,
      rate, static_cast<double>(all) / took, all, counts.delivered_count, counts.overwritten_count, counts.faults.record_count(),
      sinks.spans.count, reader_cpu_seconds / took, reader_cpu_seconds * 1e9 / static_cast<double>(counts.delivered_count), whole);
  std::fflush(stdout);
  return whole;
}

int Main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 5;
  if (!(seconds > 0 && seconds <= 60)) {
    std::fprintf(stderr, "marker_bench: '%s' is no number of seconds: give one above 0, up to 60\n", argv[1]);
    return 2;
  }
  const std::string mode = argc > 2 ? argv[2] : "";
  const LinearConversion ticks = MeasureTicks(SystemRawClocks());
  bool whole = true;
  bool fast = true;
  if (mode.empty() || mode == "write") fast = RunWrite();
  if (mode.empty() || mode == "profile") RunProfile();
  if (mode.empty() || mode == "counters") RunCounters();
  if (mode.empty() || mode == "contended") std::thread(RunContended).join();
  if (mode.empty() || mode == "drain") RunDrain(ticks);
  if (mode.empty() || mode == "stream") {
    for (const auto& [writers, rate, ring_records] :
         {std::tuple{1, 5e6, kRingRecords}, {1, 10e6, kRingRecords}, {2, 10e6, 65'536u}, {2, 10e6, 262'144u}, {2, 10e6, kRingRecords}}) {
      whole = RunStream(writers, rate, ring_records, seconds, ticks) && whole;
    }
  }
  if (!whole) return 1;
  return fast ? 0 : 2;
}

}  // namespace
}  // namespace hftmon

int main(int argc, char** argv) {
  return hftmon::Main(argc, argv);
}
