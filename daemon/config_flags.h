// ConfigFlags: the command line of hftmond, and the configuration that it makes with its file: defaults, then the file, then the flags.
//
// ConfigSource is what a reload reads again. Threads: one at a time.
#ifndef HFTMON_DAEMON_CONFIG_FLAGS_H_
#define HFTMON_DAEMON_CONFIG_FLAGS_H_

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/config.h"

namespace hftmon {

class ConfigSource {
 public:
  struct Loaded {
    Config config;
    std::vector<std::string> faults;  // each names its place (FILE:LINE:COLUMN, or the flag); empty: config is sound
  };

  ConfigSource() = default;
  // `flags`: setting's name and value as given, in order.
  ConfigSource(std::string path, std::vector<std::pair<std::string, std::string>> flags)
      : path_(std::move(path)), flags_(std::move(flags)) {}

  // Reads the file anew.
  Loaded Load() const;
  const std::string& path() const { return path_; }  // empty: there is no file

 private:
  std::string path_;
  std::vector<std::pair<std::string, std::string>> flags_;
};

struct ParsedArguments {
  ConfigSource source;
  Config config;
  int exit_code = -1;  // >= 0: print `output` and end with it (help, version, --check-config, --print-config)
  std::string output;
};

// A flag that is no setting; all others are those of config_settings.h.
struct OwnFlag {
  std::string_view name;   // "--config"
  std::string_view value;  // what stands behind it; "" for none
  std::string_view meaning;
};
std::span<const OwnFlag> OwnFlags();

// INVALID_ARGUMENT: every fault of flags and file, one a line.
absl::StatusOr<ParsedArguments> ParseArguments(int argc, const char* const* argv);

// A file that names every setting, each commented out with its default, its meaning and its range.
std::string ExampleConfig();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_FLAGS_H_
