// Writers and a reader at the same time: every record is delivered once, in its order, or counted as overwritten.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "daemon/markers/marker_ring_file.h"
#include "daemon/markers/operation_book.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

constexpr uint64_t kRecords = 200'000;

// Per ring: values ascend, and what is missing between two is what the later one says is missing.
class OrderedSink : public MarkerSink {
 public:
  void OnOperation(uint32_t, std::string_view) override {}
  void OnRecords(std::span<const MarkerRecord> records) override {
    for (const MarkerRecord& record : records) {
      if (record.kind == MarkerKind::kThread) continue;
      Ring& ring = rings[record.ring];
      if (ring.next != 0) {  // the thread's own may be among what is missing before the first
        EXPECT_EQ(record.value, ring.next + record.gap_count);
      }
      ring.missing += record.value - ring.next;
      ring.next = record.value + 1;
      ++ring.delivered;
    }
  }
  struct Ring {
    uint64_t next = 0;
    uint64_t delivered = 0;
    uint64_t missing = 0;
  };
  std::map<uint16_t, Ring> rings;
};

// Marks kRecords instants.
void Write(hftmon_marker* marker) {
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  for (uint64_t i = 0; i < kRecords; ++i) hftmon_marker_instant(thread, 0, i);
}

class MarkerConcurrency : public testing::Test {
 protected:
  std::unique_ptr<MarkerRingFile> OpenFile(const MarkerRingName& name, const MarkerProcess& process, MarkerSink* sink) {
    auto file = MarkerRingFile::Open(directory_.path(), name, process, &clocks_, sink);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? std::move(*file) : nullptr;
  }
  std::unique_ptr<MarkerRingFile> OpenOwn(MarkerSink* sink) { return OpenFile(OwnRingName(), OwnMarkerProcess(), sink); }
  // Until `done` was true and nothing is left.
  void DrainUntil(MarkerRingFile* file, const std::atomic<int>& running) {
    for (bool last = false;;) {
      const auto drained = file->Drain(4'096, &buffers_);
      ASSERT_TRUE(drained.ok()) << drained.status();
      if (drained->record_count + drained->overwritten_count != 0) continue;
      if (last) return;
      // Acquire: what the writers published before they ended is seen by the next drain.
      last = running.load(std::memory_order_acquire) == 0;
      std::this_thread::yield();
    }
  }

  const MarkerDirectory directory_;
  const SystemRawClocks clocks_;
  MarkerBuffers buffers_;
};

// Between two bursts of a writer, and two looks of the reader: nobody waits for anything.
void RestUntil(std::chrono::steady_clock::time_point due) {
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due - std::chrono::steady_clock::now()).count();
  const timespec rest = {.tv_sec = 0, .tv_nsec = std::clamp<int64_t>(left, 0, 999'999'999)};
  ppoll(nullptr, 0, &rest, nullptr);
}

// Takes them and no time.
class NullMarkerSink : public MarkerSink {
  void OnOperation(uint32_t, std::string_view) override {}
  void OnRecords(std::span<const MarkerRecord>) override {}
};

// A small ring, which the writers run through many times a drain, and one that holds what a reader is late by.
TEST_F(MarkerConcurrency, EveryRecordIsDeliveredOnceAndWholeOrCountedAsOverwritten) {
  for (const uint32_t record_max : {256u, 1u << 13}) {
    hftmon_marker* const marker = directory_.Create(4, record_max);
    OrderedSink sink;
    const auto file = OpenOwn(&sink);
    std::atomic<int> running{2};
    std::thread threads[2];
    for (std::thread& thread : threads) {
      thread = std::thread([&] {
        Write(marker);
        running.fetch_sub(1, std::memory_order_release);
      });
    }
    DrainUntil(file.get(), running);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(file->counts().delivered_count + file->counts().overwritten_count, 2 * (kRecords + 1));  // and the threads' own
    EXPECT_GE(file->counts().delivered_count, 2u * (record_max - 1));
    EXPECT_EQ(file->counts().faults.record_count(), 0u) << "nothing that was torn was believed";
    EXPECT_EQ(file->counts().faults[MarkerFault::kIndex], 0u);
    hftmon_marker_close(marker);
  }
}

// The writer waits for the reader, which a program never does: nothing may be lost then, whoever goes on.
TEST_F(MarkerConcurrency, NothingIsLostOrTwiceThroughReadersThatComeAndGoWithTheirPositions) {
  hftmon_marker* const marker = directory_.Create();
  OrderedSink sink;
  std::atomic<int> running{1};
  std::atomic<uint64_t> taken{0};
  std::thread thread([&] {
    hftmon_marker_thread* const handle = hftmon_marker_thread_open(marker);
    for (uint64_t i = 0; i < kRecords; ++i) {
      while (handle->index - taken.load(std::memory_order_acquire) >= handle->mask) std::this_thread::yield();
      hftmon_marker_instant(handle, 0, i);
    }
    running.fetch_sub(1, std::memory_order_release);
  });
  uint64_t delivered = 0;
  std::vector<MarkerRingPosition> positions;
  for (bool last = false; !last;) {
    last = running.load(std::memory_order_acquire) == 0;
    const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), OwnMarkerProcess());
    ASSERT_TRUE(opened.ok()) << opened.status();
    MarkerRingFile file(*opened, OwnRingName(), &clocks_, &sink, positions);
    for (int turn = 0; turn < 20; ++turn) {
      ASSERT_TRUE(file.Drain(700, &buffers_).ok());
      taken.store(file.positions()[0].taken, std::memory_order_release);
    }
    delivered += file.counts().delivered_count;
    EXPECT_EQ(file.counts().overwritten_count, 0u);
    positions = file.positions();
  }
  thread.join();
  EXPECT_EQ(delivered, kRecords + 1);
  EXPECT_EQ(sink.rings[0].missing, 0u);
  hftmon_marker_close(marker);
}

// Rate-paced writers, as programs are: two threads of some millions of records a second in all, into rings of the default size, and a
// reader that looks as often as the daemon's. Counts alone are asserted: not one is lost, whatever the machine's pace. A host that keeps
// the reader from its CPU for longer than a ring lasts is not what is tested: the writers rest when it has not looked for half of that.
TEST_F(MarkerConcurrency, TwoThreadsAtARateLoseNothingInRingsOfTheDefaultSize) {
  const hftmon_marker_options options = {.thread_max = 2, .record_max = 0, .operation_max = 4, .directory = directory_.path().c_str()};
  hftmon_marker* const marker = hftmon_marker_create(&options);
  ASSERT_NE(marker, nullptr);
  constexpr uint64_t kStreamed = 5'000'000;
  constexpr uint64_t kBurst = 5'000;  // a millisecond of 5 million a second
  NullMarkerSink sink;
  const auto file = OpenOwn(&sink);
  std::atomic<int> running{2};
  std::atomic<int64_t> looked_ns{clocks_.MonotonicNs()};
  std::thread threads[2];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      hftmon_marker_thread* const handle = hftmon_marker_thread_open(marker);
      auto due = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      for (uint64_t i = 0; i < kStreamed; ++i) {
        hftmon_marker_instant(handle, 0, i);
        if (i % kBurst != 0) continue;
        // One that was kept from its CPU does not make up for it: it does not have all its orders of that time at once.
        do {
          RestUntil(due);
          due = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
        } while (clocks_.MonotonicNs() - looked_ns.load(std::memory_order_relaxed) > 50'000'000);
      }
      running.fetch_sub(1, std::memory_order_release);
    });
  }
  while (running.load(std::memory_order_acquire) != 0) {
    const auto drained = file->Drain(1u << 20, &buffers_);
    ASSERT_TRUE(drained.ok()) << drained.status();
    looked_ns.store(clocks_.MonotonicNs(), std::memory_order_relaxed);
    if (!drained->more) RestUntil(std::chrono::steady_clock::now() + std::chrono::milliseconds(2));
  }
  DrainUntil(file.get(), running);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(file->counts().overwritten_count, 0u);
  EXPECT_EQ(file->counts().delivered_count, 2 * (kStreamed + 1));
  EXPECT_EQ(file->counts().faults.record_count(), 0u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerConcurrency, PairsAreCountedToTheLastWhileTheyAreMarked) {
  class NoSpans : public OperationSpanSink {
    void OnSpan(const OperationSpan&) override {}
  } spans;
  const LinearConversion ticks = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << 32, .error_ns = 0};
  OperationBook book(ticks, &spans);
  class CountingSink : public MarkerSink {
   public:
    explicit CountingSink(OperationBook* told) : told_(told) {}
    void OnOperation(uint32_t operation, std::string_view name) override { told_->OnOperation(operation, name); }
    void OnRecords(std::span<const MarkerRecord> records) override {
      for (const MarkerRecord& record : records) thread_count += record.kind == MarkerKind::kThread;
      told_->OnRecords(records);
    }
    uint64_t thread_count = 0;

   private:
    OperationBook* const told_;
  } sink(&book);
  hftmon_marker* const marker = directory_.Create(4, 1u << 12);
  const auto file = OpenOwn(&sink);
  std::atomic<int> running{2};
  std::atomic<uint64_t> recorded{0};
  std::thread threads[2];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      hftmon_marker_thread* const handle = hftmon_marker_this_thread(marker);
      const uint32_t operation = hftmon_marker_operation(marker, "order");
      uint64_t here = 0;
      for (uint64_t i = 0; i < kRecords / 2; ++i) {
        here += hftmon_marker_begin(handle, operation, i);
        here += hftmon_marker_end(handle, operation, i);
      }
      recorded.fetch_add(here, std::memory_order_relaxed);
      running.fetch_sub(1, std::memory_order_release);
    });
  }
  DrainUntil(file.get(), running);
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(book.operations().size(), 2u);
  const uint64_t thread_records = sink.thread_count;
  const OperationLosses& losses = book.losses();
  EXPECT_EQ(file->counts().delivered_count + file->counts().overwritten_count, recorded.load(std::memory_order_relaxed) + 2);
  // Each record that came is half of a span or counted by why it is none; but those that announce a thread.
  EXPECT_EQ(file->counts().delivered_count - thread_records,
            2 * book.operations()[1].spans.count + losses.begin_lost_count + losses.begin_replaced_count + losses.begin_evicted_count +
                losses.begin_unfinished_count + losses.end_without_begin_count + book.open_count());
  EXPECT_GT(book.operations()[1].spans.count, 0u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerConcurrency, AWriterThatIsKilledMidStreamLeavesWholeRecords) {
  for (int round = 0; round < 20; ++round) {
    auto* const progress = static_cast<std::atomic<uint64_t>*>(
        mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(progress, MAP_FAILED);
    const pid_t child = fork();
    if (child == 0) {
      hftmon_marker_thread* const thread = hftmon_marker_thread_open(directory_.Create(1, 1u << 16));
      for (uint64_t i = 0;; ++i) {
        progress->store(i + 1, std::memory_order_release);
        hftmon_marker_instant(thread, 0, i);
      }
    }
    while (progress->load(std::memory_order_acquire) < 1'000) std::this_thread::yield();
    const MarkerRingName name = {.pid = static_cast<uint32_t>(child), .number = 0};
    OrderedSink sink;
    const auto process = ProcMarkerProcesses(FileRoot("/")).Find(name.pid);
    ASSERT_TRUE(process.ok()) << process.status();
    const auto file = OpenFile(name, *process, &sink);
    ASSERT_TRUE(file->Drain(500, &buffers_).ok());
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::atomic<int> nobody{0};
    DrainUntil(file.get(), nobody);
    EXPECT_FALSE(file->HasOwner());
    // Its own count is one ahead of the record that it was about to write.
    const uint64_t begun = progress->load(std::memory_order_acquire);
    EXPECT_GE(sink.rings[0].next, begun - 1);
    EXPECT_LE(sink.rings[0].next, begun);
    EXPECT_EQ(file->counts().faults.record_count(), 0u);
    munmap(progress, sizeof(std::atomic<uint64_t>));
  }
}

}  // namespace
}  // namespace hftmon
