// ConfigSettings: the one table of what can be set: name, kind, range, unit, meaning, and whether it may change while the daemon runs.
//
// A setting's name is its field in proto/hftmon/v1/config.proto and, with dashes for underscores, its flag. Its default is what Config{}
// has. Adding a setting touches Config, one row here, one field there; tests hold the three together. Pure functions, any thread.
#ifndef HFTMON_DAEMON_CONFIG_SETTINGS_H_
#define HFTMON_DAEMON_CONFIG_SETTINGS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config.h"

namespace hftmon {

struct Setting {
  enum class Kind {
    kNumber,
    kDuration,   // nanoseconds; written "50us"
    kChoice,     // one word of `choices`
    kPath,       // of a file that exists
    kAddresses,  // may be given more than once
  };
  std::string_view name;
  Kind kind = Kind::kNumber;
  bool live = false;  // a reload puts it in force; else a restart does
  int64_t min = 0;
  int64_t max = 0;
  std::string_view unit;     // completes "1 to 10 …"
  std::string_view choices;  // "a, b, c"
  std::string_view group;    // heading in the help
  std::string_view meaning;
  int64_t& (*number)(Config&) = nullptr;    // kNumber, kDuration
  std::string& (*text)(Config&) = nullptr;  // kChoice, kPath
};

std::span<const Setting> Settings();
const Setting* FindSetting(std::string_view name);
// "--spike-threshold".
std::string FlagOf(const Setting& setting);
// "1us to 60s; default 50us; a reload puts it in force".
std::string Describe(const Setting& setting);

// As it is written in a file or behind a flag; addresses separated by commas.
std::string ValueText(const Setting& setting, const Config& config);
// One value, as written; an address is added to those there are. Returns what is wrong with it ("is 0: give 1 to 9 targets"), or "".
std::string SetFromText(const Setting& setting, const std::string& text, Config* config);
// The same for a number that is one already.
std::string SetNumber(const Setting& setting, int64_t value, Config* config);
// `from`'s value of the setting.
void CopySetting(const Setting& setting, const Config& from, Config* to);

// What is wrong with settings that are each right.
struct Contradiction {
  std::string_view name;   // of the setting that is at fault
  std::string_view other;  // and of the one that it contradicts
  std::string fault;       // completes "NAME …"
};
std::vector<Contradiction> FindContradictions(const Config& config);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_SETTINGS_H_
