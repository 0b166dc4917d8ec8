#include "daemon/advice/template_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/cpu_list.h"
#include "common/duration.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr size_t kShownBytesMax = 200;
constexpr size_t kSentenceBytesMax = 1'000;
constexpr std::string_view kNoName = "(no name)";
constexpr std::string_view kMask = "mask";
constexpr std::string_view kMaskOrZero = "mask_or_0";
constexpr std::string_view kWords = "words";

// A piece of a text: literal, or a placeholder.
struct Piece {
  std::string_view literal;
  std::string_view inside;  // of the braces
  bool is_placeholder = false;
};

absl::StatusOr<std::vector<Piece>> PiecesOf(std::string_view text) {
  std::vector<Piece> pieces;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find_first_of("{}", at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find_first_of("{}", open + 1);
    if (text[open] == '}' || close == std::string_view::npos || text[close] == '{') {
      return absl::InvalidArgumentError(fmt::format("a brace without its other in \"{}\"", text));
    }
    if (open > at) pieces.push_back({.literal = text.substr(at, open - at)});
    pieces.push_back({.inside = text.substr(open + 1, close - open - 1), .is_placeholder = true});
    at = close + 1;
  }
  if (at < text.size()) pieces.push_back({.literal = text.substr(at)});
  return pieces;
}

absl::StatusOr<Placeholder> PlaceholderOf(std::string_view inside) {
  const size_t colon = inside.find(':');
  const std::string_view name = inside.substr(0, colon);
  const std::string_view format = colon == std::string_view::npos ? "" : inside.substr(colon + 1);
  const FactFieldRow* row = FindFactField(name);
  if (row == nullptr) return absl::InvalidArgumentError(fmt::format("{{{}}}: there is no field of this name", inside));
  if (!format.empty() && (row->type != FieldType::kCpuList || (format != kMask && format != kMaskOrZero && format != kWords))) {
    return absl::InvalidArgumentError(fmt::format("{{{}}}: no format of this field", inside));
  }
  return Placeholder{.field = row->field, .format = format};
}

// As the kernel's bitmap files have it: groups of 32 bits, the highest first.
std::string FormatMask(const CpuList& cpus) {
  if (cpus.empty()) return "0";
  std::vector<uint32_t> groups(static_cast<size_t>(cpus.back()) / 32 + 1);
  for (const int cpu : cpus) groups[static_cast<size_t>(cpu) / 32] |= uint32_t{1} << (cpu % 32);
  std::string mask = fmt::format("{:x}", groups.back());
  for (size_t i = groups.size() - 1; i-- > 0;) mask += fmt::format(",{:08x}", groups[i]);
  return mask;
}

std::string FormatCpus(const CpuList& cpus, std::string_view format) {
  if (format == kMask || format == kMaskOrZero) return FormatMask(cpus);
  if (format == kWords) return fmt::format("{}", fmt::join(cpus, " "));
  return FormatCpuList(cpus);
}

absl::Status Withheld(FactField field, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("the command is withheld: {} {}", RowOf(field).name, why));
}

absl::StatusOr<std::string> CommandValue(const Placeholder& placeholder, const Fact& fact) {
  const FieldType type = RowOf(placeholder.field).type;
  const std::optional<FactValue> value = ValueOf(fact, placeholder.field);
  if (!value.has_value()) return Withheld(placeholder.field, "is not known, or not the same in all of its evidence");
  if (!MayStandInCommand(type)) return Withheld(placeholder.field, "may not stand in a command");
  if (const auto* number = std::get_if<int64_t>(&*value)) {
    if (*number < (type == FieldType::kTaskId ? 1 : 0)) return Withheld(placeholder.field, "is no number for a command");
    return fmt::format("{}", *number);
  }
  if (const auto* cpus = std::get_if<CpuList>(&*value)) {
    if (cpus->empty() && placeholder.format != kMaskOrZero) return Withheld(placeholder.field, "is empty");
    return FormatCpus(*cpus, placeholder.format);
  }
  const auto* text = std::get_if<std::string>(&*value);
  if (text == nullptr || !IsIdentifier(*text))
    return Withheld(placeholder.field, "holds characters that a shell could take for more than a name");
  return *text;
}

std::string Cleaned(std::string_view bytes, size_t bytes_max) {
  std::string text = ValidUtf8(bytes.substr(0, bytes_max));
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return bytes.size() > bytes_max ? text + "..." : text;
}

}  // namespace

bool MayStandInCommand(FieldType type) {
  return type == FieldType::kNumber || type == FieldType::kTaskId || type == FieldType::kIdentifier || type == FieldType::kCpuList;
}

absl::StatusOr<std::vector<Placeholder>> PlaceholdersOf(std::string_view text) {
  absl::StatusOr<std::vector<Piece>> pieces = PiecesOf(text);
  if (!pieces.ok()) return pieces.status();
  std::vector<Placeholder> placeholders;
  for (const Piece& piece : *pieces) {
    if (!piece.is_placeholder) continue;
    absl::StatusOr<Placeholder> placeholder = PlaceholderOf(piece.inside);
    if (!placeholder.ok()) return placeholder.status();
    placeholders.push_back(*placeholder);
  }
  return placeholders;
}

absl::StatusOr<std::string> RenderCommand(std::string_view text, const Fact& fact) {
  absl::StatusOr<std::vector<Piece>> pieces = PiecesOf(text);
  if (!pieces.ok()) return pieces.status();
  std::string command;
  for (const Piece& piece : *pieces) {
    if (!piece.is_placeholder) {
      command += piece.literal;
      continue;
    }
    absl::StatusOr<Placeholder> placeholder = PlaceholderOf(piece.inside);
    if (!placeholder.ok()) return placeholder.status();
    absl::StatusOr<std::string> value = CommandValue(*placeholder, fact);
    if (!value.ok()) return value.status();
    command += *value;
  }
  return command;
}

std::string RenderSentence(std::string_view text, const Fact& fact) {
  absl::StatusOr<std::vector<Piece>> pieces = PiecesOf(text);
  if (!pieces.ok()) return std::string(text);
  std::string sentence;
  for (const Piece& piece : *pieces) {
    if (!piece.is_placeholder) {
      sentence += piece.literal;
      continue;
    }
    absl::StatusOr<Placeholder> placeholder = PlaceholderOf(piece.inside);
    const std::optional<FactValue> value = placeholder.ok() ? ValueOf(fact, placeholder->field) : std::nullopt;
    if (!value.has_value()) {
      sentence += placeholder.ok() && RowOf(placeholder->field).type == FieldType::kText ? kNoName : "?";
    } else if (const auto* cpus = std::get_if<CpuList>(&*value)) {
      sentence += cpus->empty() ? "none" : FormatCpus(*cpus, placeholder->format);
    } else {
      sentence += FormatValue(placeholder->field, *value);
    }
  }
  return sentence;
}

std::string FormatValue(FactField field, const FactValue& value) {
  const FieldType type = RowOf(field).type;
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (type == FieldType::kDuration) return FormatDuration(*number);
    if (type == FieldType::kAddress) return fmt::format("{:#x}", static_cast<uint64_t>(*number));
    return fmt::format("{}", *number);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return type == FieldType::kShare ? fmt::format("{:.3g} %", *real * 100) : fmt::format("{:.3g}", *real);
  }
  if (const auto* cpus = std::get_if<CpuList>(&value)) return FormatCpuList(*cpus);
  const std::string& text = std::get<std::string>(value);
  return type == FieldType::kIdentifier && IsIdentifier(text) ? text : fmt::format("\"{}\"", CleanText(text));
}

std::string CleanText(std::string_view bytes) {
  std::string text = Cleaned(bytes, kShownBytesMax);
  std::replace(text.begin(), text.end(), '"', '?');
  return text;
}

std::string CleanSentence(std::string_view bytes) {
  return Cleaned(bytes, kSentenceBytesMax);
}

}  // namespace hftmon
