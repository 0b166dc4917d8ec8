// StandardStreams: what a daemon needs of descriptors 0 to 2. Called by main, before anything else opens a file.
#ifndef HFTMON_DAEMON_OS_STANDARD_STREAMS_H_
#define HFTMON_DAEMON_OS_STANDARD_STREAMS_H_

#include <string_view>

namespace hftmon {

// Those that are closed become /dev/null: else the next file that is opened would get their number, and the log its content.
void OpenMissingStreams();

// One line to stderr, whole; false when it could not be written. A log that nobody reads, or a full disk, is no reason to end.
bool LogLine(std::string_view line);

// What a command was asked to print, to stdout; false when it could not be written.
bool WriteOut(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_STANDARD_STREAMS_H_
