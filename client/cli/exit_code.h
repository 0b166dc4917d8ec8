// What the process's exit code means, for scripts.
#ifndef HFTMON_CLIENT_CLI_EXIT_CODE_H_
#define HFTMON_CLIENT_CLI_EXIT_CODE_H_

namespace hftmon {

inline constexpr int kExitFine = 0;
inline constexpr int kExitWarnings = 1;      // answered, but records were lost, the answer is incomplete or something is unavailable
inline constexpr int kExitThreshold = 2;     // a threshold or a requirement was violated
inline constexpr int kExitError = 3;         // no answer; the reason is on stderr
inline constexpr int kExitSignalBase = 128;  // + the signal: 130 = SIGINT
// As a shell says it, when `run` cannot start the command.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_EXIT_CODE_H_
