#include "daemon/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <tuple>

#include "daemon/config_settings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "hftmon/v1/config.pb.h"

namespace hftmon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;

constexpr int kNestingMax = 4;

class FaultCollector : public google::protobuf::io::ErrorCollector {
 public:
  // Lines and columns count from 0 here.
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    std::string text = message;
    if (text.ends_with('.')) text.pop_back();
    faults.push_back({line + 1, column + 1, text + ": " + MendOf(message)});
  }
  // An unknown name is passed over with a warning, so that the next fault is found too.
  void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    const size_t quote = message.rfind(" \"");
    const bool unknown = message.find("has no field named") != std::string::npos && quote != std::string::npos;
    const std::string name = unknown ? message.substr(quote + 2, message.rfind('"') - quote - 2) : "";
    // It points behind the name.
    const int name_column = std::max(0, column - static_cast<int>(name.size()));
    faults.push_back({line + 1, name_column + 1, unknown ? UnknownSetting(name) : message});
  }

  std::vector<ConfigFault> faults;

 private:
  static const char* MendOf(const std::string& message) {
    if (message.starts_with("Expected string")) return "put the value in double quotes";
    if (message.starts_with("Expected integer")) return "write a whole number, without quotes";
    if (message.starts_with("Integer out of range")) return "write a smaller number; hftmond --print-config names each range";
    if (message.find("specified multiple times") != std::string::npos) return "keep one of them";
    return "a line is NAME: VALUE, texts in double quotes; hftmond --print-config shows them all";
  }
  static std::string UnknownSetting(const std::string& name) {
    std::string text = fmt::format("there is no setting '{}'", name.substr(0, 80));
    for (const Setting& setting : Settings()) {
      if (IsNear(name, setting.name)) return text + fmt::format(": is {} meant?", setting.name);
    }
    return text + ": hftmond --print-config names them all";
  }
  // One edit apart, or the one begins with the other.
  static bool IsNear(std::string_view name, std::string_view known) {
    if (name.size() < 3) return false;
    if (known.starts_with(name) || name.starts_with(known)) return true;
    const auto [one, other] = std::mismatch(name.begin(), name.end(), known.begin(), known.end());
    const std::string_view rest(&*one, static_cast<size_t>(name.end() - one));
    const std::string_view known_rest = known.substr(static_cast<size_t>(other - known.begin()));
    if (rest.empty() || known_rest.empty()) return rest.size() + known_rest.size() <= 1;
    return rest.substr(1) == known_rest || rest == known_rest.substr(1) || rest.substr(1) == known_rest.substr(1);
  }
};

// Half-parsed values of a text with faults are still worth checking.
struct ParsedText {
  v1::Config message;
  TextFormat::ParseInfoTree places;
  std::vector<ConfigFault> faults;
  bool ok = false;
};

void ParseOnce(const std::string& text, ParsedText* parsed) {
  FaultCollector collector;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&parsed->places);
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kNestingMax);
  parsed->ok = parser.ParseFromString(text, &parsed->message);
  parsed->faults = std::move(collector.faults);
}

// The line of a fault that lies behind the colon of a setting, as [begin, end) in the text; begin == end when it is no such fault.
std::pair<size_t, size_t> LineOfValueFault(const std::string& text, const ConfigFault& fault) {
  size_t begin = 0;
  for (int line = 1; line < fault.line && begin < text.size(); ++line) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  const size_t end = std::min(text.find('\n', begin), text.size());
  const size_t colon = text.find(':', begin);
  const size_t at = begin + static_cast<size_t>(std::max(0, fault.column - 1));
  if (colon >= end || at < colon ||
      text.substr(begin, colon - begin).find_first_not_of(" abcdefghijklmnopqrstuvwxyz_") != std::string::npos) {
    return {0, 0};
  }
  return {begin, end};
}

const FieldDescriptor* FieldOf(std::string_view setting) {
  return v1::Config::descriptor()->FindFieldByName(std::string(setting));
}

ConfigFault At(const ParsedText& parsed, const FieldDescriptor* field, int index, std::string text) {
  const TextFormat::ParseLocation place = parsed.places.GetLocation(field, field->is_repeated() ? index : -1);
  return {place.line + 1, place.column + 1, fmt::format("{} {}", field->name(), text)};
}

void Take(const ParsedText& parsed, const Setting& setting, Config* config, std::vector<ConfigFault>* faults) {
  const google::protobuf::Reflection& reflection = *parsed.message.GetReflection();
  const FieldDescriptor* field = FieldOf(setting.name);
  const auto note = [&](int index, std::string fault) {
    if (!fault.empty()) faults->push_back(At(parsed, field, index, std::move(fault)));
  };
  if (field->is_repeated()) {
    const int count = reflection.FieldSize(parsed.message, field);
    if (count > 0) config->listen.clear();
    for (int i = 0; i < count; ++i) note(i, SetFromText(setting, reflection.GetRepeatedString(parsed.message, field, i), config));
    return;
  }
  if (!reflection.HasField(parsed.message, field)) return;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    note(-1, SetNumber(setting, reflection.GetInt64(parsed.message, field), config));
  } else {
    note(-1, SetFromText(setting, reflection.GetString(parsed.message, field), config));
  }
}

void CheckTogether(const ParsedText& parsed, const Config& config, std::vector<ConfigFault>* faults) {
  for (const Contradiction& contradiction : FindContradictions(config)) {
    // One of the two may have its default.
    ConfigFault fault = At(parsed, FieldOf(contradiction.name), -1, contradiction.fault);
    if (fault.line == 0) {
      const ConfigFault other = At(parsed, FieldOf(contradiction.other), -1, "");
      fault.line = other.line;
      fault.column = other.column;
    }
    faults->push_back(std::move(fault));
  }
}

}  // namespace

std::string ConfigFault::Print(const std::string& file) const {
  return line > 0 ? fmt::format("{}:{}:{}: {}", file, line, column, text) : fmt::format("{}: {}", file, text);
}

std::vector<ConfigFault> ParseConfigText(const std::string& text, Config* config) {
  if (text.size() > kConfigBytesMax) return {{0, 0, fmt::format("has {} bytes: give at most {}", text.size(), kConfigBytesMax)}};
  std::vector<ConfigFault> faults;
  std::string rest = text;
  auto parsed = std::make_unique<ParsedText>();
  ParseOnce(rest, parsed.get());
  while (!parsed->ok && !parsed->faults.empty() && faults.size() < kFaultsMax) {
    const ConfigFault last = parsed->faults.back();
    const auto [begin, end] = LineOfValueFault(rest, last);
    if (begin == end) break;
    faults.push_back(last);
    // Blanks, so that every other fault stays where it is.
    std::fill(rest.begin() + static_cast<std::ptrdiff_t>(begin), rest.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    parsed = std::make_unique<ParsedText>();
    ParseOnce(rest, parsed.get());
  }
  faults.insert(faults.end(), parsed->faults.begin(), parsed->faults.end());
  for (const Setting& setting : Settings()) Take(*parsed, setting, config, &faults);
  if (faults.empty()) CheckTogether(*parsed, *config, &faults);
  std::stable_sort(faults.begin(), faults.end(),
                   [](const ConfigFault& a, const ConfigFault& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
  if (faults.size() > kFaultsMax) faults.resize(kFaultsMax);
  return faults;
}

std::vector<ConfigFault> ReadConfigFile(const std::string& path, Config* config) {
  // Opening a pipe waits for its other end, for ever and for signals too.
  std::error_code unknown;
  if (const auto type = std::filesystem::status(path, unknown).type();
      type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::socket) {
    return {{0, 0, "cannot be read (it is a pipe or a socket): name a regular file"}};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return {{0, 0, fmt::format("cannot be read ({}): name a file that is there", std::strerror(errno))}};
  // One byte more than is taken shows that there is more.
  std::string text(kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return {{0, 0, fmt::format("cannot be read ({})", std::strerror(errno))}};
  text.resize(static_cast<size_t>(file.gcount()));
  return ParseConfigText(text, config);
}

}  // namespace hftmon
