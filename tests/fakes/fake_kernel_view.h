// FakeKernelView: heap memory laid out as the kernel's, with the writers' side of the protocol as the BPF programs keep it.
//
// Threads: one writer per CPU's ring at a time and one per slot, as in the kernel; readers may run beside them. All stores are atomic.
#ifndef HFTMON_TESTS_FAKES_FAKE_KERNEL_VIEW_H_
#define HFTMON_TESTS_FAKES_FAKE_KERNEL_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "daemon/collectors/kernel_view.h"

namespace hftmon {

class FakeKernelView {
 public:
  struct Options {
    uint32_t cpus = 2;
    uint32_t ring_cells = 64;  // power of two
    uint32_t slots = 64;
    uint32_t pids = 4096;
    uint64_t first_index = 0;  // index of each ring's first cell
  };
  // Cells reserved together, not yet written.
  struct Reservation {
    uint32_t cpu = 0;
    uint64_t first = 0;
  };

  FakeKernelView() : FakeKernelView(Options{}) {}
  explicit FakeKernelView(const Options& options);

  const KernelView& view() const { return view_; }
  std::byte* ring(uint32_t cpu) const { return view_.rings + cpu * view_.ring_stride_bytes; }
  uint64_t head(uint32_t cpu) const;

  // The steps of a writer: reserve, open (sequence 0), fill, publish (sequence last). `cell` is one whole record of HFT_RECORD_BYTES.
  Reservation Reserve(uint32_t cpu, uint32_t count);
  void Open(const Reservation& at, uint32_t offset);
  void Fill(const Reservation& at, uint32_t offset, const void* cell);
  void Publish(const Reservation& at, uint32_t offset);

  // All steps. header.type, continuation, cpu and sequence are set here; `Record` is hft_switch_in, hft_migration or hft_life.
  template <typename Record>
  void Put(uint32_t cpu, uint8_t type, Record record, int64_t mono_ns) {
    const Reservation at = Reserve(cpu, 1);
    record.header = HeaderOf(cpu, type, 0, mono_ns);
    Write(at, 0, &record);
  }
  // A record with all its runners: the first ones inline, the others in continuation cells.
  template <typename Record>
  void PutWithRunners(uint32_t cpu, uint8_t type, Record record, std::span<const hft_runner> runners, int64_t mono_ns) {
    const Reservation at = Reserve(cpu, 1 + ContinuationCells(runners.size()));
    WriteContinuation(at, runners, mono_ns);
    WriteHead(at, type, record, runners, mono_ns);
  }
  template <typename Record>
  void WriteHead(const Reservation& at, uint8_t type, Record record, std::span<const hft_runner> runners, int64_t mono_ns) {
    record.header = HeaderOf(at.cpu, type, static_cast<uint8_t>(ContinuationCells(runners.size())), mono_ns);
    record.runner_count = static_cast<uint8_t>(runners.size());
    for (size_t i = 0; i < runners.size() && i < HFT_INLINE_RUNNERS; ++i) record.runners[i] = runners[i];
    Write(at, 0, &record);
  }
  void WriteContinuation(const Reservation& at, std::span<const hft_runner> runners, int64_t mono_ns);
  void Write(const Reservation& at, uint32_t offset, const void* cell);
  static uint32_t ContinuationCells(size_t runner_count);
  static hft_record_header HeaderOf(uint32_t cpu, uint8_t type, uint8_t continuation, int64_t mono_ns);

  // Slots. The thread's totals begin at the bases; `generation` grows with each use.
  struct Thread {
    uint16_t slot = 1;
    uint32_t tid = 100;
    uint32_t tgid = 100;
    int64_t start_ns = 1;
    uint64_t base_voluntary_count = 0;
    uint64_t base_involuntary_count = 0;
    uint64_t base_run_delay_ns = 0;
  };
  void Follow(const Thread& thread);
  void EndThread(uint16_t slot);
  void Release(uint16_t slot);  // FREE first, then zeroed but for the generation
  // exec by a thread that was not the leader.
  void RenameThread(uint16_t slot, uint32_t tid, int64_t start_ns);
  void SwitchOut(uint16_t slot, bool voluntary, hft_switch_kind kind);
  void SwitchIn(uint16_t slot, int64_t wait_ns, int64_t off_cpu_ns, uint32_t depth);
  void Migrate(uint16_t slot);
  // From now on no page is free.
  void ExhaustPages();

 private:
  void CountDuration(hft_thread_slot& slot, hft_histogram which, int64_t duration_ns);
  hft_record_header* HeaderAt(uint32_t cpu, uint64_t index) const;

  struct FreeDeleter {
    void operator()(void* memory) const;
  };
  KernelView view_;
  std::unique_ptr<std::byte, FreeDeleter> rings_;
  std::unique_ptr<std::byte, FreeDeleter> slot_memory_;
  std::unique_ptr<hft_histogram_pool, FreeDeleter> pool_;
  hft_controls controls_{};
  std::vector<uint64_t> watched_bits_;
  std::vector<uint16_t> slot_of_tid_;
  std::vector<hft_cpu> cpus_;
  std::vector<hft_thread_calls> calls_;
  std::vector<hft_stolen> stolen_;
  std::vector<hft_thread_kernel> kernel_;
  std::vector<hft_process_collapses> collapses_;
  std::vector<hft_cpu_network> network_;
  std::vector<hft_cpu_deferred> deferred_;
  std::vector<hft_irq_thread> irq_threads_{HFT_IRQ_THREAD_ROWS};
  std::vector<uint64_t> begun_works_ = std::vector<uint64_t>(HFT_BEGUN_WORKS);
  std::vector<uint64_t> begun_workers_ = std::vector<uint64_t>(HFT_BEGUN_WORKERS);
  uint64_t irq_threads_waiting_ = 0;
  std::vector<hft_softirq_cpus> softirqs_running_{HFT_DEFERRED_SOFTIRQS};
  std::vector<hft_socket_path> socket_paths_{HFT_SOCKET_ROWS};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_KERNEL_VIEW_H_
