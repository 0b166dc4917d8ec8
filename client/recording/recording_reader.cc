#include "client/recording/recording_reader.h"

#include <fmt/format.h>

#include "client/recording/recording_builder.h"
#include "client/recording/recording_format.h"

namespace hftmon {

absl::StatusOr<Recording> ReadRecording(std::string_view bytes) {
  if (!bytes.starts_with(kRecordingMagic)) {
    return absl::InvalidArgumentError("no recording: it does not begin as one: make it with `hftmon record -o FILE`");
  }
  std::string_view left = bytes.substr(kRecordingMagic.size());
  v1::RecordingPart part;
  if (TakeRecordingPart(&left, &part) != PartRead::kPart || !part.has_header()) {
    return absl::InvalidArgumentError("a recording without a header: it was cut off at its beginning, or is damaged: record again");
  }
  if (part.header().format_version() != kRecordingFormatVersion) {
    return absl::InvalidArgumentError(
        fmt::format("a recording of format {}; this hftmon reads format {}: use the version that wrote it ({})",
                    part.header().format_version(), kRecordingFormatVersion, part.header().recorder_version()));
  }
  RecordingBuilder builder;
  builder.Add(part);
  PartRead read = TakeRecordingPart(&left, &part);
  for (; read == PartRead::kPart; read = TakeRecordingPart(&left, &part)) builder.Add(part);
  if (read == PartRead::kDamaged) {
    builder.AddNote(
        fmt::format("damaged from byte {} of {} on: what was recorded behind it is missing", bytes.size() - left.size(), bytes.size()));
  }
  return std::move(builder).Finish();
}

}  // namespace hftmon
