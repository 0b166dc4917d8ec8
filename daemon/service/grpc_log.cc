#include "daemon/service/grpc_log.h"

#include <grpc/support/log.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daemon/os/standard_streams.h"
#include "daemon/service/poll_thread.h"

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

void Log(gpr_log_func_args* args) {
  static GrpcLogFilter filter;
  const std::optional<std::string> line = filter.Line(args->message, PollThread::NowNs());
  if (line) LogLine(*line);
}

}  // namespace

std::optional<std::string> GrpcLogFilter::Line(std::string_view message, int64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (const int64_t second = now_ns / kSecondNs; second != second_) {
    second_ = second;
    line_count_ = 0;
  }
  if (line_count_ == kLinesPerSecond) {
    ++left_out_count_;
    return std::nullopt;
  }
  ++line_count_;
  std::string text = absl::CHexEscape(absl::string_view(message.data(), message.size()));
  if (text.size() > kLineBytesMax) text = absl::StrCat(text.substr(0, kLineBytesMax), "...");
  std::string line = absl::StrCat("hftmond: gRPC: ", text);
  if (left_out_count_ > 0) absl::StrAppend(&line, " (", left_out_count_, " earlier messages were left out)");
  left_out_count_ = 0;
  return line;
}

void LogGrpcThroughTheDaemon() {
  gpr_set_log_function(Log);
}

}  // namespace hftmon
