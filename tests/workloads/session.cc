#include "tests/workloads/session.h"

#include <unistd.h>

#include <cstdio>

namespace hftmon::workload {
namespace {

void Print(const nlohmann::json& object) {
  std::printf("%s\n", object.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

std::string Session::Wait() {
  std::string line;
  char letter = 0;
  // Unbuffered: whatever follows the line belongs to the next turn.
  while (interactive_ && read(STDIN_FILENO, &letter, 1) == 1 && letter != '\n') line += letter;
  return line;
}

void Session::Ready(nlohmann::json about) {
  if (!interactive_) return;
  about["ready"] = true;
  about["pid"] = getpid();
  Print(about);
  Wait();
}

std::string Session::Result(nlohmann::json result) {
  result["pid"] = getpid();
  Print(result);
  return Wait();
}

}  // namespace hftmon::workload
