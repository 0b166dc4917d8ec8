#include "tests/common/memory_access/sharing_streams.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hftmon {
namespace {

MemoryAccess AccessAt(uint64_t address, uint32_t tid, DataSource source) {
  MemoryAccess access;
  access.pid = 1;
  access.tid = tid;
  access.code_address = 0x400000;
  access.address = address;
  access.source = source;
  return access;
}

// `count` times `access`, by the row's threads in turns.
void AppendTurns(MemoryAccess access, const StreamRow& row, uint64_t count, std::vector<MemoryAccess>* stream) {
  access.code_address = row.code_address;
  for (uint64_t i = 0; i < count; ++i) {
    access.tid = row.tid + static_cast<uint32_t>(i % row.threads);
    stream->push_back(access);
  }
}

DataSource RandomSource(std::mt19937_64& random) {
  DataSource source{.load = random() % 3 != 0, .store = random() % 3 == 0};
  source.level = static_cast<AccessLevel>(random() % 14);
  if (random() % 2 == 0) source.level_hit = random() % 2 == 0;
  source.snoop = static_cast<SnoopResult>(random() % 5);
  source.remote = random() % 4 == 0;
  source.peer = random() % 8 == 0;
  if (random() % 2 == 0) source.locked = random() % 4 == 0;
  return source;
}

}  // namespace

MemoryAccess LoadAt(uint64_t address, uint32_t tid) {
  return AccessAt(address, tid, {.load = true, .level = AccessLevel::kL1, .level_hit = true});
}

MemoryAccess StoreAt(uint64_t address, uint32_t tid) {
  return AccessAt(address, tid, {.store = true, .level = AccessLevel::kL1, .level_hit = true});
}

MemoryAccess HitmAt(uint64_t address, uint32_t tid, std::optional<uint64_t> latency_cycles) {
  MemoryAccess access =
      AccessAt(address, tid, {.load = true, .level = AccessLevel::kL3, .level_hit = true, .snoop = SnoopResult::kModified});
  access.latency_cycles = latency_cycles;
  return access;
}

MemoryAccess RemoteHitmAt(uint64_t address, uint32_t tid, std::optional<uint64_t> latency_cycles) {
  MemoryAccess access = HitmAt(address, tid, latency_cycles);
  access.source.level = AccessLevel::kRemoteCache;
  access.source.remote = true;
  return access;
}

void AppendRows(uint64_t line, std::span<const StreamRow> rows, std::vector<MemoryAccess>* stream) {
  for (const StreamRow& row : rows) {
    const uint64_t address = line + row.offset;
    AppendTurns(RemoteHitmAt(address, 0, row.remote_hitm_cycles), row, row.remote_hitm, stream);
    AppendTurns(HitmAt(address, 0, row.local_hitm_cycles), row, row.local_hitm, stream);
    AppendTurns(LoadAt(address, 0), row, row.other_loads, stream);
    MemoryAccess store = StoreAt(address, 0);
    AppendTurns(store, row, row.store_l1_hits, stream);
    store.source.level_hit = false;
    AppendTurns(store, row, row.store_l1_misses, stream);
  }
}

std::vector<MemoryAccess> RandomStream(std::mt19937_64& random, size_t accesses, uint64_t lines, uint32_t threads) {
  std::vector<MemoryAccess> stream;
  for (size_t i = 0; i < accesses; ++i) {
    MemoryAccess access =
        AccessAt(0x10000 + random() % lines * 64 + random() % 8 * 8, 100 + static_cast<uint32_t>(random() % threads), RandomSource(random));
    if (random() % 3 != 0) access.cpu = static_cast<uint32_t>(random() % 6);
    access.code_address = 0x400000 + random() % 3;
    if (random() % 4 != 0) access.latency_cycles = random() % 1'000;
    access.period = random() % 5;
    stream.push_back(access);
  }
  return stream;
}

ContendedLineTable TableOf(std::span<const MemoryAccess> stream, LineOrder order, const ContendedLineLimits& limits) {
  ContendedLines lines(limits);
  for (const MemoryAccess& access : stream) lines.Add(access);
  return lines.Build(order);
}

std::string Described(const AccessCounts& c) {
  return fmt::format("{} = {} loads {} stores {} locked {} writes; hitm {} {} {} peer {}; l1 {} {}; cycles {}/{} {}/{} {}", c.accesses,
                     c.loads, c.stores, c.locked, c.writes, c.hitm_local, c.hitm_remote, c.hitm_unplaced, c.peer, c.store_l1_hits,
                     c.store_l1_misses, c.load_latency_cycles, c.load_latency_samples, c.contended_latency_cycles,
                     c.contended_latency_samples, c.contended_cycles);
}

std::string Described(const ContendedLineTable& table) {
  std::string text = fmt::format("order {} bytes {}\ntotal {}\ncontended {} {}\nuncontended {} {}\ndropped {} {}\nleft out {} {}\n",
                                 static_cast<int>(table.order), table.line_bytes, Described(table.total), table.contended_lines,
                                 Described(table.contended), table.uncontended_lines, Described(table.uncontended), table.dropped_lines,
                                 Described(table.dropped), table.no_address, table.no_access);
  for (const ContendedLine& line : table.lines) {
    text += fmt::format("line {:#x} {:#x} {} share {} {} {}/{}/{} cpus {} nodes {} dropped {} {} {}\n", line.address, line.place.address,
                        Described(line.counts), line.share, SharingVerdictName(line.sharing.verdict), line.sharing.false_contended,
                        line.sharing.true_contended, line.sharing.no_writer_contended, fmt::join(line.cpus, ","),
                        fmt::join(line.nodes, ","), line.dropped_site_accesses, line.cpus_dropped, line.begin_missing);
    for (const SharingAdvice& advice : line.advice) {
      text += fmt::format(" {} {} {} {}: {}\n", AdviceKindName(advice.kind), fmt::join(advice.offsets, ","), advice.contended,
                          advice.estimated_cycles.value_or(0), advice.text);
    }
    for (const LineOffset& offset : line.offsets) {
      text += fmt::format(" at {} {} tids {} wrote {}\n", offset.offset, Described(offset.counts), fmt::join(offset.tids, ","),
                          fmt::join(offset.writer_tids, ","));
    }
    for (const LineSite& site : line.sites) {
      text += fmt::format(" site {} {} {} {:#x} {}\n", site.offset, site.pid, site.tid, site.code_address, Described(site.counts));
    }
    for (const LineThread& thread : line.threads)
      text += fmt::format(" thread {} {} {}\n", thread.pid, thread.tid, Described(thread.counts));
  }
  return text;
}

}  // namespace hftmon
