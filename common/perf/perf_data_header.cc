#include "common/perf/perf_data_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/perf/little_endian.h"
#include "common/perf/perf_data_format.h"

namespace hftmon {
namespace {

using Format = PerfDataFormat;

constexpr std::string_view kCopyAgain = "copy it again, or record again and let perf end by itself";

// Bytes at a place that is known to be in the source.
absl::StatusOr<std::vector<std::byte>> ReadBytes(ByteSource& source, PerfSection section) {
  std::vector<std::byte> bytes(section.bytes);
  if (absl::Status read = source.ReadAt(section.at, bytes); !read.ok()) return read;
  return bytes;
}

PerfSection SectionAt(std::span<const std::byte> bytes, size_t at) {
  return {.at = LoadLittleEndian<uint64_t>(bytes, at), .bytes = LoadLittleEndian<uint64_t>(bytes, at + 8)};
}

absl::Status CheckInside(const ByteSource& source, PerfSection section, std::string_view what) {
  if (section.at <= source.size() && section.bytes <= source.size() - section.at) return absl::OkStatus();
  return absl::DataLossError(fmt::format("perf.data is truncated at byte {}: {} should be {} bytes from byte {} on; {}", source.size(),
                                         what, section.bytes, section.at, kCopyAgain));
}

absl::Status CheckMagic(std::span<const std::byte> begin) {
  const std::string_view magic(reinterpret_cast<const char*>(begin.data()), std::min(begin.size(), Format::kMagic.size()));
  if (magic == Format::kMagic) return absl::OkStatus();
  if (begin.empty())
    return absl::InvalidArgumentError("this is no perf.data file: it is empty, as perf leaves it where it could not record");
  if (magic == Format::kMagicBigEndian) {
    return absl::InvalidArgumentError(
        "this perf.data was written on a big-endian machine, which hftmon does not read: use perf on such a machine");
  }
  if (magic == Format::kMagicFirst) {
    return absl::InvalidArgumentError(
        "this perf.data has the format of 2009 (PERFFILE), which hftmon does not read: record with a newer perf");
  }
  return absl::InvalidArgumentError("this is no perf.data file: it does not begin with PERFILE2");
}

absl::Status CheckFileHeader(const ByteSource& source, const PerfDataHeader& header) {
  if (header.attr_entry_bytes < PerfAttr::kSizeMin + Format::kSectionBytes || header.attr_entry_bytes > Format::kAttrBytesMax) {
    return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: an event's entry of {} bytes cannot be", Format::kAttrSizeAt,
                                           header.attr_entry_bytes));
  }
  if (header.data.bytes == 0) {
    return absl::DataLossError(
        "perf.data has no records: perf did not end properly and never wrote how many there are; record again and let it end by itself");
  }
  if (absl::Status inside = CheckInside(source, header.attrs, "the events"); !inside.ok()) return inside;
  if (absl::Status inside = CheckInside(source, header.data, "the records"); !inside.ok()) return inside;
  const uint64_t count = header.attrs.bytes / header.attr_entry_bytes;
  if (count == 0 || header.attrs.bytes % header.attr_entry_bytes != 0) {
    return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: {} bytes of events are no whole number of {} each",
                                           Format::kAttrsAt + 8, header.attrs.bytes, header.attr_entry_bytes));
  }
  if (count > Format::kEventsMax) {
    return absl::ResourceExhaustedError(fmt::format("perf.data has {} events; {} are read", count, Format::kEventsMax));
  }
  return absl::OkStatus();
}

absl::Status ReadEvent(ByteSource& source, std::span<const std::byte> entry, uint64_t at, PerfEventTable* events) {
  const size_t attr_bytes = entry.size() - Format::kSectionBytes;
  const absl::StatusOr<PerfAttr> attr = ParsePerfAttr(entry.first(attr_bytes));
  if (!attr.ok()) return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: {}", at, std::string(attr.status().message())));
  const PerfSection section = SectionAt(entry, attr_bytes);
  if (absl::Status inside = CheckInside(source, section, "an event's ids"); !inside.ok()) return inside;
  if (section.bytes % 8 != 0) {
    return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: ids of 8 bytes each have {}", at + attr_bytes, section.bytes));
  }
  if (section.bytes / 8 > Format::kIdsMax)
    return absl::ResourceExhaustedError(fmt::format("perf.data has an event of {} ids", section.bytes / 8));
  const absl::StatusOr<std::vector<std::byte>> bytes = ReadBytes(source, section);
  if (!bytes.ok()) return bytes.status();
  std::vector<uint64_t> ids(section.bytes / 8);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = LoadLittleEndian<uint64_t>(*bytes, 8 * i);
  if (absl::Status added = events->Add(*attr, ids); !added.ok()) {
    return absl::Status(added.code(), fmt::format("perf.data, event at byte {}: {}", at, std::string(added.message())));
  }
  return absl::OkStatus();
}

absl::Status ReadFeature(ByteSource& source, uint32_t number, PerfSection section, PerfFeatures* features) {
  if (section.bytes > Format::kFeatureBytesMax) {
    return absl::ResourceExhaustedError(
        fmt::format("perf.data has a feature {} of {} bytes; {} are read", number, section.bytes, Format::kFeatureBytesMax));
  }
  const absl::StatusOr<std::vector<std::byte>> payload = ReadBytes(source, section);
  if (!payload.ok()) return payload.status();
  if (absl::Status parsed = ParsePerfFeature(number, *payload, features); !parsed.ok()) {
    return absl::Status(parsed.code(),
                        fmt::format("perf.data is damaged at byte {}: {}; {}", section.at, std::string(parsed.message()), kCopyAgain));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PerfDataHeader> ReadPerfDataHeader(ByteSource& source) {
  const absl::StatusOr<std::vector<std::byte>> bytes =
      ReadBytes(source, {.at = 0, .bytes = std::min<uint64_t>(source.size(), Format::kHeaderBytes)});
  if (!bytes.ok()) return bytes.status();
  if (absl::Status magic = CheckMagic(*bytes); !magic.ok()) return magic;
  if (absl::Status inside = CheckInside(source, {.at = 0, .bytes = Format::kPipeHeaderBytes}, "its header"); !inside.ok()) return inside;
  PerfDataHeader header;
  const auto header_bytes = LoadLittleEndian<uint64_t>(*bytes, Format::kHeaderSizeAt);
  if (header_bytes == Format::kPipeHeaderBytes) {
    header.pipe = true;
    header.data = {.at = Format::kPipeHeaderBytes, .bytes = source.size() - Format::kPipeHeaderBytes};
    return header;
  }
  if (header_bytes < Format::kHeaderBytes) {
    return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: a header of {} bytes, where {} are a file's and {} a pipe's",
                                           Format::kHeaderSizeAt, header_bytes, Format::kHeaderBytes, Format::kPipeHeaderBytes));
  }
  if (absl::Status inside = CheckInside(source, {.at = 0, .bytes = header_bytes}, "its header"); !inside.ok()) return inside;
  header.attr_entry_bytes = LoadLittleEndian<uint64_t>(*bytes, Format::kAttrSizeAt);
  header.attrs = SectionAt(*bytes, Format::kAttrsAt);
  header.data = SectionAt(*bytes, Format::kDataAt);
  for (size_t i = 0; i < header.feature_bits.size(); ++i) {
    header.feature_bits[i] = LoadLittleEndian<uint64_t>(*bytes, Format::kFeatureBitsAt + 8 * i);
  }
  if (absl::Status checked = CheckFileHeader(source, header); !checked.ok()) return checked;
  return header;
}

absl::Status ReadPerfEvents(ByteSource& source, const PerfDataHeader& header, PerfEventTable* events) {
  for (uint64_t at = header.attrs.at; at < header.attrs.end(); at += header.attr_entry_bytes) {
    const absl::StatusOr<std::vector<std::byte>> entry = ReadBytes(source, {.at = at, .bytes = header.attr_entry_bytes});
    if (!entry.ok()) return entry.status();
    if (absl::Status read = ReadEvent(source, *entry, at, events); !read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::Status ReadPerfFeatures(ByteSource& source, const PerfDataHeader& header, PerfFeatures* features) {
  uint64_t at = header.data.end();
  for (uint32_t number = 0; number < Format::kFeatureBits; ++number) {
    if ((header.feature_bits[number / 64] >> number % 64 & 1) == 0) continue;
    const PerfSection row{.at = at, .bytes = Format::kSectionBytes};
    if (absl::Status inside = CheckInside(source, row, "the table of features"); !inside.ok()) return inside;
    const absl::StatusOr<std::vector<std::byte>> bytes = ReadBytes(source, row);
    if (!bytes.ok()) return bytes.status();
    const PerfSection section = SectionAt(*bytes, 0);
    if (absl::Status inside = CheckInside(source, section, fmt::format("feature {}", number)); !inside.ok()) return inside;
    if (IsPerfFeatureRead(number)) {
      if (absl::Status read = ReadFeature(source, number, section, features); !read.ok()) return read;
    }
    at += Format::kSectionBytes;
  }
  return absl::OkStatus();
}

}  // namespace hftmon
