#include "daemon/config_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <deque>

#include "daemon/config_file.h"
#include "daemon/config_settings.h"

namespace hftmon {
namespace {

constexpr size_t kExampleColumns = 120;

constexpr OwnFlag kConfigFlag = {"--config", "FILE",
                                 "configuration file, the text of a hftmon.v1.Config; flags override it; SIGHUP reads it again"};
constexpr OwnFlag kCheckFlag = {"--check-config", "", "say whether flags and file are sound, or what is wrong with them, and end"};
constexpr OwnFlag kPrintFlag = {"--print-config", "", "print a configuration file that names every setting, and end"};
constexpr OwnFlag kVersionFlag = {"--version", "", "print the version, and end"};
constexpr OwnFlag kHelpFlag = {"--help", "", "print what flags there are, and end"};
constexpr OwnFlag kOwnFlags[] = {kConfigFlag, kCheckFlag, kPrintFlag, kVersionFlag, kHelpFlag};

// The words of `text` in comment lines.
std::string Comment(std::string_view text) {
  std::string lines;
  std::string line = "#";
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (line.size() + 1 + space > kExampleColumns) {
      lines += line + "\n";
      line = "#";
    }
    line += fmt::format(" {}", text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return lines + line + "\n";
}

absl::StatusOr<ParsedArguments> ParseSound(ParsedArguments parsed, bool check_only) {
  ConfigSource::Loaded loaded = parsed.source.Load();
  if (!loaded.faults.empty()) return absl::InvalidArgumentError(fmt::format("{}", fmt::join(loaded.faults, "\n")));
  parsed.config = std::move(loaded.config);
  if (check_only) {
    parsed.exit_code = 0;
    parsed.output = "hftmond: the configuration is sound\n";
  }
  return parsed;
}

}  // namespace

ConfigSource::Loaded ConfigSource::Load() const {
  Loaded loaded;
  if (!path_.empty()) {
    for (const ConfigFault& fault : ReadConfigFile(path_, &loaded.config)) loaded.faults.push_back(fault.Print(path_));
  }
  bool listens = false;
  for (const auto& [name, text] : flags_) {
    const Setting& setting = *FindSetting(name);
    if (setting.kind == Setting::Kind::kAddresses && !std::exchange(listens, true)) loaded.config.listen.clear();
    const std::string fault = SetFromText(setting, text, &loaded.config);
    if (!fault.empty()) loaded.faults.push_back(fmt::format("{} {}", FlagOf(setting), fault));
  }
  if (!loaded.faults.empty()) return loaded;
  for (const Contradiction& contradiction : FindContradictions(loaded.config)) {
    loaded.faults.push_back(fmt::format("{} {}", contradiction.name, contradiction.fault));
  }
  return loaded;
}

std::span<const OwnFlag> OwnFlags() {
  return kOwnFlags;
}

absl::StatusOr<ParsedArguments> ParseArguments(int argc, const char* const* argv) {
  ParsedArguments parsed;
  CLI::App app{"hftmond: watches the processes of a trading host and tells why a thread stalled", "hftmond"};
  app.set_help_flag("-h," + std::string(kHelpFlag.name), std::string(kHelpFlag.meaning));
  app.set_version_flag(std::string(kVersionFlag.name), HFTMON_VERSION, std::string(kVersionFlag.meaning));
  std::string path;
  bool check_only = false;
  bool print_example = false;
  app.add_option(std::string(kConfigFlag.name), path, std::string(kConfigFlag.meaning))->type_name(std::string(kConfigFlag.value));
  app.add_flag(std::string(kCheckFlag.name), check_only, std::string(kCheckFlag.meaning));
  app.add_flag(std::string(kPrintFlag.name), print_example, std::string(kPrintFlag.meaning));
  std::deque<std::vector<std::string>> values;
  for (const Setting& setting : Settings()) {
    values.emplace_back();
    app.add_option(FlagOf(setting), values.back(), fmt::format("{} [{}]", setting.meaning, Describe(setting)))
        ->group(std::string(setting.group))
        ->type_name("")
        ->take_all()
        ->expected(1, -1)
        ->allow_extra_args(false);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.exit_code = 0;
    parsed.output = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.exit_code = 0;
    parsed.output = std::string("hftmond ") + HFTMON_VERSION + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(fmt::format("{} (hftmond --help lists the options)", error.what()));
  }
  if (print_example) {
    parsed.exit_code = 0;
    parsed.output = ExampleConfig();
    return parsed;
  }
  std::vector<std::pair<std::string, std::string>> flags;
  size_t index = 0;
  for (const Setting& setting : Settings()) {
    const std::vector<std::string>& given = values[index++];
    if (given.size() > 1 && setting.kind != Setting::Kind::kAddresses) {
      return absl::InvalidArgumentError(fmt::format("{} is given {} times: give it once", FlagOf(setting), given.size()));
    }
    for (const std::string& value : given) flags.emplace_back(std::string(setting.name), value);
  }
  parsed.source = ConfigSource(path, std::move(flags));
  return ParseSound(std::move(parsed), check_only);
}

std::string ExampleConfig() {
  std::string text = Comment("/etc/hftmon/hftmond.conf: what an operator may set. Each setting stands here with its default.") +
                     Comment("Check a change with: hftmond --config /etc/hftmon/hftmond.conf --check-config") +
                     Comment("Put it in force with: systemctl reload hftmond (what needs a restart is named by `hftmon status`).");
  const Config defaults;
  for (const Setting& setting : Settings()) {
    const char* const quote = setting.kind == Setting::Kind::kNumber ? "" : "\"";
    text += "\n" + Comment(setting.meaning) + Comment(Describe(setting) + ".") +
            fmt::format("#{}: {}{}{}\n", setting.name, quote, ValueText(setting, defaults), quote);
  }
  return text;
}

}  // namespace hftmon
