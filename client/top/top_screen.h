// TopScreen: the process's terminal, by ncurses, which nothing else here knows.
//
// Threads: one. The destructor gives the terminal back as it was found; so does a process that crashes (TerminalRescue).
#ifndef HFTMON_CLIENT_TOP_TOP_SCREEN_H_
#define HFTMON_CLIENT_TOP_TOP_SCREEN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/top/terminal_rescue.h"
#include "client/top/top_terminal.h"

struct screen;  // of ncurses

namespace hftmon {

// Whether the locale's characters are UTF-8. The first call takes over the character set of the environment (LC_CTYPE).
bool LocaleIsUtf8();

class TopScreen : public TopTerminal {
 public:
  // Standard input and output, which must be a terminal. `colour`: where it has some; without, it is told by bold and reverse alone.
  // FAILED_PRECONDITION: a terminal of this kind is not known.
  static absl::StatusOr<std::unique_ptr<TopScreen>> Open(bool colour);
  ~TopScreen() override;

  TopSize size() const override;
  bool utf8() const override { return utf8_; }
  void Show(const TopPage& page) override;
  std::optional<TopKey> Read() override;
  int input_fd() const override;
  void Resize() override;
  void Leave() override;
  void Return() override;

 private:
  TopScreen(std::unique_ptr<TerminalRescue> rescue, ::screen* screen, bool colour, bool utf8);

  const std::unique_ptr<TerminalRescue> rescue_;  // outlives what it undoes
  ::screen* const screen_;
  const bool utf8_;
  bool colour_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_SCREEN_H_
