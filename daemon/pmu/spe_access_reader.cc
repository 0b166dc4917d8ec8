#include "daemon/pmu/spe_access_reader.h"

#include <algorithm>
#include <array>

#include "common/memory_access/spe_access.h"

namespace hftmon {

void SpeAccessReader::ReadAll(std::span<const std::byte>* bytes, const PerfAux* told, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  while (const std::optional<SpeRecord> record = reader_.Next(bytes)) {
    MemoryAccess access = AccessOfSpe(*record, source_.encoding, source_.interval);
    access.pid = source_.pid;
    access.tid = source_.tid;
    if (told != nullptr) access.cpu = told->sample_id.cpu;
    if (record->timestamp && source_.conversion) {
      access.time_ns = source_.conversion->ToNs(*record->timestamp);
    } else if (told != nullptr) {
      access.time_ns = told->sample_id.time_ns.value_or(0);
    }
    const bool has_code = record->operation == SpeOperation::kLoad && record->data_source.has_value();
    unread_source_count_ += has_code && source_.encoding == SpeSourceEncoding::kUnknown ? 1 : 0;
    sink(access);
  }
}

void SpeAccessReader::Read(const PerfAuxBytes& bytes, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  reader_.Begin(bytes.offset);
  std::span<const std::byte> rest = bytes.first;
  ReadAll(&rest, bytes.told, sink);
  if (!bytes.second.empty()) {
    // A packet that goes on at the memory's begin is put together; so many bytes of the second part end it.
    std::array<std::byte, 2 * kSpePacketBytesMax> joint;
    const size_t carried = rest.size();
    const size_t more = std::min(bytes.second.size(), kSpePacketBytesMax);
    std::copy(rest.begin(), rest.end(), joint.begin());
    std::copy_n(bytes.second.begin(), more, joint.begin() + static_cast<ptrdiff_t>(carried));
    rest = std::span<const std::byte>(joint).first(carried + more);
    ReadAll(&rest, bytes.told, sink);
    const std::span<const std::byte> after = bytes.second.subspan(more);
    if (after.empty()) {
      reader_.End(rest.size());
      return;
    }
    // What is left begins in the second part, where it is whole.
    rest = bytes.second.subspan(more - std::min(rest.size(), more));
    ReadAll(&rest, bytes.told, sink);
  }
  reader_.End(rest.size());
}

}  // namespace hftmon
