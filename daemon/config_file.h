// ConfigFile: text of a hftmon.v1.Config (proto/hftmon/v1/config.proto) -> Config. Every fault is found, not the first alone.
//
// Pure but for the files and CPUs that a setting may name. Any thread. Bounds: kConfigBytesMax of text, kFaultsMax faults.
// How faults after a syntax error are found: the setting's line is left out and the rest is read again, as long as the error lies in a
// setting's value; after any other the reader would only guess.
#ifndef HFTMON_DAEMON_CONFIG_FILE_H_
#define HFTMON_DAEMON_CONFIG_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "daemon/config.h"

namespace hftmon {

struct ConfigFault {
  int line = 0;    // 1 is the first; 0: the fault is nowhere in the file
  int column = 0;  // likewise, in bytes
  std::string text;

  // "FILE:LINE:COLUMN: TEXT".
  std::string Print(const std::string& file) const;
};

inline constexpr size_t kConfigBytesMax = 1 << 20;
inline constexpr size_t kFaultsMax = 50;

// Sets in *config what the text sets; the rest stays. Empty: it is sound. On faults *config is half set: throw it away.
std::vector<ConfigFault> ParseConfigText(const std::string& text, Config* config);

// The same for a file; a fault without a place says why it could not be read.
std::vector<ConfigFault> ReadConfigFile(const std::string& path, Config* config);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_FILE_H_
