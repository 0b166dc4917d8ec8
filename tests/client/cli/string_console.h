// StringConsole: keeps what a verb prints.
#ifndef HFTMON_TESTS_CLIENT_CLI_STRING_CONSOLE_H_
#define HFTMON_TESTS_CLIENT_CLI_STRING_CONSOLE_H_

#include <mutex>
#include <string>

#include "client/cli/console.h"

namespace hftmon {

class StringConsole : public Console {
 public:
  // `fail_with`: errno of every write to standard output; 0 = they succeed.
  explicit StringConsole(int fail_with = 0) : fail_with_(fail_with) {}

  bool Out(const std::string& text) override;
  void Err(const std::string& text) override;
  int out_error() const override { return out_error_; }
  int out_fd() const override { return -1; }
  TextStyle out_style() const override { return {}; }
  TextStyle err_style() const override { return {}; }

  std::string out() const { return out_; }
  std::string err() const;

 private:
  const int fail_with_;
  int out_error_ = 0;
  std::string out_;
  mutable std::mutex mutex_;  // of err_
  std::string err_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_STRING_CONSOLE_H_
