/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A thread's histograms in pages of one bounded pool: a page counts one octave, and is given to the thread with the first value there.
 *
 * The free pages are a stack linked by their numbers, whose head carries a count of its changes, so that a program that was overtaken
 * between its look and its exchange finds out. The daemon gives pages back, zeroed, with the slot (daemon/collectors/page_pool.h).
 */
#ifndef HFTMON_DAEMON_BPF_HISTOGRAM_PAGES_BPF_H_
#define HFTMON_DAEMON_BPF_HISTOGRAM_PAGES_BPF_H_

/* CPUs that take a page at the same moment: the loser's value is left out, and counted, after this many defeats. */
#define PAGE_ATTEMPTS 8

/* A page for entry `index` of the slot's table, or HFT_NO_PAGE: counted, and the value is in no bucket. Rare, so not inlined. */
static __noinline u32 take_page(struct hft_thread_slot *slot, u32 index) {
  u64 head = *(volatile __u64 *)&histogram_pool.head;
#pragma clang loop unroll(disable)
  for (int attempt = 0; attempt < PAGE_ATTEMPTS; attempt++) {
    u32 page = head & (HFT_PAGES - 1);
    if (page == HFT_NO_PAGE) break;
    u64 next = (((head >> HFT_PAGE_BITS) + 1) << HFT_PAGE_BITS) | histogram_pool.next[page];
    u64 seen = __sync_val_compare_and_swap(&histogram_pool.head, head, next);
    if (seen == head) {
      __sync_fetch_and_add(&histogram_pool.given_count, 1);
      ((volatile __u16 *)slot->pages)[index & (HFT_HISTOGRAMS * HFT_OCTAVE_ENTRIES - 1)] = page;
      return page;
    }
    head = seen;
  }
  __sync_fetch_and_add(&controls.unbinned_durations, 1);
  slot->unbinned_count[index & (HFT_HISTOGRAMS - 1)]++;
  return HFT_NO_PAGE;
}

/* One more duration of that length in the slot's histogram `which`, an enum hft_histogram. */
static __always_inline void count_in_bucket(struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u32 which, u64 duration_ns) {
  struct octave_bucket at = bucket_of(cpu_state, duration_ns);
  char *row = (char *)slot + (at.octave_offset & (sizeof(slot->pages) - 4));
  barrier_var(row); /* else where the table begins is kept over both histograms, for which there is no register */
  u64 page = *(u16 *)(row + __builtin_offsetof(struct hft_thread_slot, pages) + which * sizeof(u16));
  if (unlikely(page == HFT_NO_PAGE)) {
    page = take_page(slot, at.octave_offset / 4 * HFT_HISTOGRAMS + which);
    if (page == HFT_NO_PAGE) return;
    page &= HFT_PAGES - 1;
  }
  u64 page_offset = page * sizeof(struct hft_histogram_page);
  barrier_var(page_offset); /* else `+` becomes `|`, which has no bounds on 6.1 */
  (*(u32 *)((char *)histogram_pool.pages + page_offset + at.count_offset))++;
}

#endif /* HFTMON_DAEMON_BPF_HISTOGRAM_PAGES_BPF_H_ */
