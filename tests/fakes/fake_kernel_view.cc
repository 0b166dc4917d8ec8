#include "tests/fakes/fake_kernel_view.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "common/histogram.h"
#include "daemon/collectors/page_pool.h"

namespace hftmon {

namespace {

template <typename T>
T Load(T& word) {
  return std::atomic_ref<T>(word).load(std::memory_order_relaxed);
}

template <typename T>
void Store(T& word, std::type_identity_t<T> value) {
  std::atomic_ref<T>(word).store(value, std::memory_order_relaxed);
}

template <typename T>
void Add(T& word, std::type_identity_t<T> amount) {
  Store(word, static_cast<T>(Load(word) + amount));
}

std::byte* Zeroed(uint64_t bytes) {
  void* memory = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  return static_cast<std::byte*>(memory);
}

void KeepMaximum(__u64& kept, int64_t value_ns) {
  if (static_cast<uint64_t>(value_ns) > Load(kept)) Store(kept, static_cast<uint64_t>(value_ns));
}

}  // namespace

void FakeKernelView::FreeDeleter::operator()(void* memory) const {
  std::free(memory);
}

FakeKernelView::FakeKernelView(const Options& options)
    : watched_bits_(options.pids / 64 + 1),
      slot_of_tid_(options.pids),
      cpus_(options.cpus),
      calls_(options.slots),
      stolen_(options.slots),
      kernel_(options.slots),
      collapses_(options.slots),
      network_(options.cpus),
      deferred_(options.cpus) {
  view_.ring_stride_bytes = sizeof(hft_ring_header) + uint64_t{options.ring_cells} * HFT_RECORD_BYTES;
  view_.ring_cells = options.ring_cells;
  view_.ring_count = options.cpus;
  rings_.reset(Zeroed(view_.ring_stride_bytes * options.cpus));
  slot_memory_.reset(Zeroed(sizeof(hft_thread_slot) * options.slots));
  view_.controls = &controls_;
  view_.watched_bits = watched_bits_;
  view_.slot_of_tid = slot_of_tid_;
  view_.slots = {reinterpret_cast<hft_thread_slot*>(slot_memory_.get()), options.slots};
  pool_.reset(static_cast<hft_histogram_pool*>(std::calloc(1, sizeof(hft_histogram_pool))));
  if (!pool_) throw std::bad_alloc();
  view_.histogram_pool = pool_.get();
  PagePool(pool_.get()).Fill();
  view_.cpus = cpus_;
  view_.calls = calls_;
  view_.stolen = stolen_;
  view_.kernel = kernel_;
  view_.collapses = collapses_;
  view_.network = network_;
  view_.deferred = deferred_;
  view_.irq_threads = irq_threads_;
  view_.begun_works = begun_works_;
  view_.begun_workers = begun_workers_;
  view_.irq_threads_waiting = &irq_threads_waiting_;
  view_.softirqs_running = softirqs_running_;
  view_.socket_paths = socket_paths_;
  view_.rings = rings_.get();
  for (uint32_t cpu = 0; cpu < options.cpus; ++cpu) Store(reinterpret_cast<hft_ring_header*>(ring(cpu))->head, options.first_index);
}

hft_record_header* FakeKernelView::HeaderAt(uint32_t cpu, uint64_t index) const {
  return reinterpret_cast<hft_record_header*>(ring(cpu) + sizeof(hft_ring_header) + (index & (view_.ring_cells - 1)) * HFT_RECORD_BYTES);
}

uint64_t FakeKernelView::head(uint32_t cpu) const {
  return Load(reinterpret_cast<hft_ring_header*>(ring(cpu))->head);
}

FakeKernelView::Reservation FakeKernelView::Reserve(uint32_t cpu, uint32_t count) {
  // As the kernel's fetch-add: a full barrier.
  std::atomic_ref<__u64> head_word(reinterpret_cast<hft_ring_header*>(ring(cpu))->head);
  return {cpu, head_word.fetch_add(count, std::memory_order_seq_cst)};
}

void FakeKernelView::Open(const Reservation& at, uint32_t offset) {
  // Exchange: no store into the cell may come before it.
  std::atomic_ref<__u32>(HeaderAt(at.cpu, at.first + offset)->sequence).exchange(0, std::memory_order_acq_rel);
}

void FakeKernelView::Fill(const Reservation& at, uint32_t offset, const void* cell) {
  auto* to = reinterpret_cast<std::byte*>(HeaderAt(at.cpu, at.first + offset));
  const auto* from = static_cast<const std::byte*>(cell);
  // The word of the sequence is filled around it.
  auto* header = reinterpret_cast<hft_record_header*>(to);
  hft_record_header wanted;
  std::memcpy(&wanted, from, sizeof(wanted));
  Store(header->type, wanted.type);
  Store(header->continuation, wanted.continuation);
  Store(header->cpu, wanted.cpu);
  for (size_t i = sizeof(__u64); i < HFT_RECORD_BYTES; i += sizeof(__u64)) {
    __u64 word;
    std::memcpy(&word, from + i, sizeof(word));
    Store(*reinterpret_cast<__u64*>(to + i), word);
  }
}

void FakeKernelView::Publish(const Reservation& at, uint32_t offset) {
  const uint64_t index = at.first + offset;
  std::atomic_ref<__u32>(HeaderAt(at.cpu, index)->sequence).store(static_cast<__u32>(index + 1), std::memory_order_release);
}

void FakeKernelView::Write(const Reservation& at, uint32_t offset, const void* cell) {
  Open(at, offset);
  Fill(at, offset, cell);
  Publish(at, offset);
}

void FakeKernelView::WriteContinuation(const Reservation& at, std::span<const hft_runner> runners, int64_t mono_ns) {
  const uint32_t cells = ContinuationCells(runners.size());
  for (uint32_t cell = 0; cell < cells; ++cell) {
    hft_runners beyond{};
    beyond.header = HeaderOf(at.cpu, HFT_RECORD_RUNNERS, 0, mono_ns);
    const size_t first = HFT_INLINE_RUNNERS + cell * HFT_RUNNERS_PER_CELL;
    for (size_t i = 0; i < HFT_RUNNERS_PER_CELL && first + i < runners.size(); ++i) beyond.runners[i] = runners[first + i];
    Write(at, 1 + cell, &beyond);
  }
}

uint32_t FakeKernelView::ContinuationCells(size_t runner_count) {
  if (runner_count <= HFT_INLINE_RUNNERS) return 0;
  return static_cast<uint32_t>((runner_count - HFT_INLINE_RUNNERS + HFT_RUNNERS_PER_CELL - 1) / HFT_RUNNERS_PER_CELL);
}

hft_record_header FakeKernelView::HeaderOf(uint32_t cpu, uint8_t type, uint8_t continuation, int64_t mono_ns) {
  return {0, type, continuation, static_cast<__u16>(cpu), static_cast<__u64>(mono_ns)};
}

void FakeKernelView::Follow(const Thread& thread) {
  hft_thread_slot& slot = view_.slots[thread.slot];
  Store(slot.tid, thread.tid);
  Store(slot.tgid, thread.tgid);
  Store(slot.start_ns, static_cast<__u64>(thread.start_ns));
  Store(slot.base_voluntary_count, thread.base_voluntary_count);
  Store(slot.base_involuntary_count, thread.base_involuntary_count);
  Store(slot.base_run_delay_ns, thread.base_run_delay_ns);
  Store(slot.voluntary_count, thread.base_voluntary_count);
  Store(slot.involuntary_count, thread.base_involuntary_count);
  Store(slot.run_delay_ns, thread.base_run_delay_ns);
  Add(slot.generation, 1);
  std::atomic_ref<__u32>(slot.state).store(HFT_SLOT_LIVE, std::memory_order_release);
}

void FakeKernelView::EndThread(uint16_t slot) {
  Store(view_.slots[slot].state, HFT_SLOT_ENDED);
}

void FakeKernelView::Release(uint16_t index) {
  hft_thread_slot& slot = view_.slots[index];
  std::atomic_ref<__u32>(slot.state).exchange(HFT_SLOT_FREE, std::memory_order_acq_rel);
  for (auto& octave : slot.pages) {
    for (__u16& page : octave) {
      if (Load(page) != HFT_NO_PAGE) PagePool(pool_.get()).GiveBack(Load(page));
    }
  }
  const __u32 generation = Load(slot.generation);
  auto* words = reinterpret_cast<__u32*>(&slot);
  for (size_t i = 0; i < sizeof(slot) / sizeof(__u32); ++i) {
    if (&words[i] != &slot.generation) Store(words[i], 0);
  }
  Store(slot.generation, generation);
}

void FakeKernelView::RenameThread(uint16_t slot, uint32_t tid, int64_t start_ns) {
  Store(view_.slots[slot].tid, tid);
  Store(view_.slots[slot].start_ns, static_cast<__u64>(start_ns));
}

void FakeKernelView::SwitchOut(uint16_t index, bool voluntary, hft_switch_kind kind) {
  hft_thread_slot& slot = view_.slots[index];
  Add(voluntary ? slot.voluntary_count : slot.involuntary_count, 1);
  Add(slot.kind_count[kind], 1);
}

void FakeKernelView::SwitchIn(uint16_t index, int64_t wait_ns, int64_t off_cpu_ns, uint32_t depth) {
  hft_thread_slot& slot = view_.slots[index];
  Add(slot.run_delay_ns, static_cast<__u64>(wait_ns));
  KeepMaximum(slot.maxima.run_queue_ns, wait_ns);
  CountDuration(slot, HFT_RUN_QUEUE, wait_ns);
  Add(slot.off_cpu_ns, static_cast<__u64>(off_cpu_ns));
  Add(slot.off_cpu_count, 1);
  KeepMaximum(slot.maxima.off_cpu_ns, off_cpu_ns);
  CountDuration(slot, HFT_OFF_CPU, off_cpu_ns);
  Add(slot.depth[std::min<uint32_t>(depth, HFT_DEPTH_BUCKETS - 1)], 1);
}

// As take_page and count_in_bucket in histogram_pages.bpf.h.
void FakeKernelView::CountDuration(hft_thread_slot& slot, hft_histogram which, int64_t duration_ns) {
  const size_t bucket = BucketOf(duration_ns);
  __u16& entry = slot.pages[bucket / HFT_OCTAVE_BUCKETS][which];
  if (Load(entry) == HFT_NO_PAGE) {
    std::atomic_ref<__u64> head(pool_->head);
    __u64 seen = head.load(std::memory_order_acquire);
    __u16 page;
    do {
      page = static_cast<__u16>(seen & (HFT_PAGES - 1));
      if (page == HFT_NO_PAGE) {
        Add(slot.unbinned_count[which], 1);
        Add(controls_.unbinned_durations, 1);
        return;
      }
    } while (!head.compare_exchange_weak(seen, (((seen >> HFT_PAGE_BITS) + 1) << HFT_PAGE_BITS) | Load(pool_->next[page]),
                                         std::memory_order_acq_rel, std::memory_order_acquire));
    std::atomic_ref<__u64>(pool_->given_count).fetch_add(1, std::memory_order_relaxed);
    Store(entry, page);
  }
  Add(pool_->pages[Load(entry)].counts[bucket % HFT_OCTAVE_BUCKETS], 1);
}

void FakeKernelView::ExhaustPages() {
  Store(pool_->head, 0);
}

void FakeKernelView::Migrate(uint16_t slot) {
  Add(view_.slots[slot].migration_count, 1);
}

}  // namespace hftmon
