// Writers and a reader at the same time: every record is delivered once, in its order, or counted as dropped.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
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
      if (record.gap_count != 65'535) {  // where it is, it means so many or more
        EXPECT_EQ(record.value, ring.next + record.gap_count);
      } else {
        EXPECT_GE(record.value, ring.next + record.gap_count);
      }
      ring.dropped += record.value - ring.next;
      ring.next = record.value + 1;
      ++ring.delivered;
    }
  }
  struct Ring {
    uint64_t next = 0;
    uint64_t delivered = 0;
    uint64_t dropped = 0;
  };
  std::map<uint16_t, Ring> rings;
};

struct Writer {
  uint64_t recorded = 0;
  uint64_t dropped = 0;
};

// Marks kRecords instants; `insists`: until each fits.
void Write(hftmon_marker* marker, bool insists, Writer* writer) {
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  for (uint64_t i = 0; i < kRecords; ++i) {
    bool fits = hftmon_marker_instant(thread, 0, i);
    for (; insists && !fits; fits = hftmon_marker_instant(thread, 0, i)) std::this_thread::yield();
    writer->recorded += fits;
  }
  writer->dropped = hftmon_marker_dropped_count(thread);
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
      if (drained->record_count != 0) continue;
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

TEST_F(MarkerConcurrency, EveryRecordIsDeliveredOnceOrCountedAsDropped) {
  hftmon_marker* const marker = directory_.Create();
  OrderedSink sink;
  const auto file = OpenOwn(&sink);
  std::atomic<int> running{2};
  Writer writers[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    threads[i] = std::thread([&, i] {
      Write(marker, false, &writers[i]);
      running.fetch_sub(1, std::memory_order_release);
    });
  }
  DrainUntil(file.get(), running);
  for (std::thread& thread : threads) thread.join();
  uint64_t delivered = 0;
  uint64_t dropped = 0;
  for (const Writer& writer : writers) {
    EXPECT_EQ(writer.recorded + writer.dropped, kRecords);
    delivered += writer.recorded;
    dropped += writer.dropped;
  }
  EXPECT_EQ(file->counts().delivered_count, delivered + 2);  // and the threads' own
  EXPECT_EQ(file->counts().dropped_count, dropped);
  EXPECT_EQ(file->counts().faults.record_count(), 0u);
  EXPECT_EQ(file->counts().faults[MarkerFault::kIndex], 0u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerConcurrency, AWriterThatInsistsLosesNothingThroughReadersThatComeAndGo) {
  hftmon_marker* const marker = directory_.Create();
  OrderedSink sink;
  std::atomic<int> running{1};
  Writer writer;
  std::thread thread([&] {
    // Not through the gaps that a failed attempt leaves in the count: those are attempts.
    hftmon_marker_thread* const handle = hftmon_marker_thread_open(marker);
    for (uint64_t i = 0; i < kRecords; ++i) {
      while (handle->index - __atomic_load_n(&handle->consumer->consumed, __ATOMIC_ACQUIRE) > handle->mask) std::this_thread::yield();
      writer.recorded += hftmon_marker_instant(handle, 0, i);
    }
    running.fetch_sub(1, std::memory_order_release);
  });
  uint64_t delivered = 0;
  for (int reader = 0; reader < 50; ++reader) {
    const auto file = OpenOwn(&sink);
    for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE(file->Drain(700, &buffers_).ok());
    delivered += file->counts().delivered_count;
  }
  const auto file = OpenOwn(&sink);
  DrainUntil(file.get(), running);
  thread.join();
  delivered += file->counts().delivered_count;
  EXPECT_EQ(writer.recorded, kRecords);
  EXPECT_EQ(delivered, kRecords + 1);
  EXPECT_EQ(sink.rings[0].dropped, 0u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerConcurrency, PairsAreCountedToTheLastWhileTheyAreMarked) {
  class NoSpans : public OperationSpanSink {
    void OnSpan(const OperationSpan&) override {}
  } spans;
  const LinearConversion ticks = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << 32, .error_ns = 0};
  OperationBook book(ticks, &spans);
  hftmon_marker* const marker = directory_.Create(4, 1u << 12);
  const auto file = OpenOwn(&book);
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
  const OperationLosses& losses = book.losses();
  // Each record that came is half of a span or counted by why it is none.
  EXPECT_EQ(recorded.load(std::memory_order_relaxed),
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
    ASSERT_TRUE(process);
    const auto file = OpenFile(name, *process, &sink);
    ASSERT_TRUE(file->Drain(500, &buffers_).ok());
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::atomic<int> nobody{0};
    DrainUntil(file.get(), nobody);
    EXPECT_FALSE(file->HasOwner());
    // Its own count is one ahead of the record that it was about to write.
    const uint64_t begun = progress->load(std::memory_order_acquire);
    const uint64_t accounted = sink.rings[0].delivered + file->counts().dropped_count;
    EXPECT_GE(accounted, begun - 1);
    EXPECT_LE(accounted, begun);
    EXPECT_EQ(file->counts().faults.record_count(), 0u);
    munmap(progress, sizeof(std::atomic<uint64_t>));
  }
}

}  // namespace
}  // namespace hftmon
