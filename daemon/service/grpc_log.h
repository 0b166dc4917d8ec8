// What gRPC logs, in the daemon's log: one line a message, of printable characters (a client's bytes may stand in it), and at most
// kLinesPerSecond; how many were left out is said with the next one. Process-wide; any thread.
#ifndef HFTMON_DAEMON_SERVICE_GRPC_LOG_H_
#define HFTMON_DAEMON_SERVICE_GRPC_LOG_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace hftmon {

class GrpcLogFilter {
 public:
  static constexpr int kLinesPerSecond = 5;
  static constexpr size_t kLineBytesMax = 400;

  // The line to be logged now; none when there are too many.
  std::optional<std::string> Line(std::string_view message, int64_t now_ns);

 private:
  std::mutex mutex_;
  int64_t second_ = 0;
  int line_count_ = 0;
  uint64_t left_out_count_ = 0;
};

void LogGrpcThroughTheDaemon();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_GRPC_LOG_H_
