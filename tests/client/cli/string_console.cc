#include "tests/client/cli/string_console.h"

namespace hftmon {

bool StringConsole::Out(const std::string& text) {
  out_error_ = fail_with_;
  if (fail_with_ == 0) out_ += text;
  return fail_with_ == 0;
}

void StringConsole::Err(const std::string& text) {
  const std::lock_guard lock(mutex_);
  err_ += text;
}

std::string StringConsole::err() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

}  // namespace hftmon
