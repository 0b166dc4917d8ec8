#include "client/top/top_screen.h"

// Before curses.h: else its names (move, erase) are macros.
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <climits>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <cwchar>

namespace hftmon {
namespace {

// How long the rest of a key's sequence may take after its ESC: enough for a slow line, short enough for the key itself.
constexpr int kEscapeDelayMs = 100;

constexpr short kWarningPair = 1;
constexpr short kKindPair = 2;
constexpr short kStrongPair = 3;

// What ncurses writes at its end, for when it cannot.
std::string LeaveSequence() {
  std::string text;
  for (const char* name : {"sgr0", "cnorm", "rmkx", "rmcup"}) {
    char* sequence = tigetstr(name);
    if (sequence != nullptr && sequence != reinterpret_cast<char*>(-1)) text += sequence;
  }
  return text;
}

TopKey OfCode(wint_t code) {
  switch (code) {
    case KEY_UP:
      return {TopKey::Kind::kUp, ""};
    case KEY_DOWN:
      return {TopKey::Kind::kDown, ""};
    case KEY_PPAGE:
      return {TopKey::Kind::kPageUp, ""};
    case KEY_NPAGE:
      return {TopKey::Kind::kPageDown, ""};
    case KEY_HOME:
      return {TopKey::Kind::kHome, ""};
    case KEY_END:
      return {TopKey::Kind::kEnd, ""};
    case KEY_ENTER:
      return {TopKey::Kind::kEnter, ""};
    case KEY_BACKSPACE:
      return {TopKey::Kind::kBackspace, ""};
    default:
      return {};
  }
}

TopKey OfCharacter(wint_t character) {
  switch (character) {
    case L'\n':
    case L'\r':
      return {TopKey::Kind::kEnter, ""};
    case L'\t':
      return {TopKey::Kind::kTab, ""};
    case 0x1b:
      return {TopKey::Kind::kEscape, ""};
    case 0x08:
    case 0x7f:
      return {TopKey::Kind::kBackspace, ""};
    default:
      break;
  }
  std::string bytes(MB_LEN_MAX, '\0');
  std::mbstate_t state = {};
  const size_t size = std::wcrtomb(bytes.data(), static_cast<wchar_t>(character), &state);
  if (character < 0x20 || size == static_cast<size_t>(-1)) return {};
  bytes.resize(size);
  return {TopKey::Kind::kCharacter, bytes};
}

attr_t AttributesOf(TopStyle style, bool colour) {
  switch (style) {
    case TopStyle::kPlain:
      return A_NORMAL;
    case TopStyle::kStrong:
      return colour ? A_BOLD | static_cast<attr_t>(COLOR_PAIR(kStrongPair)) : A_BOLD;
    case TopStyle::kTitle:
      return A_REVERSE;
    case TopStyle::kSelected:
      return A_REVERSE | A_BOLD;
    case TopStyle::kWarning:
      return colour ? A_BOLD | static_cast<attr_t>(COLOR_PAIR(kWarningPair)) : A_BOLD;
    case TopStyle::kKind:
      return colour ? static_cast<attr_t>(COLOR_PAIR(kKindPair)) : A_NORMAL;
    case TopStyle::kFaint:
      return A_DIM;
  }
  return A_NORMAL;
}

}  // namespace

bool LocaleIsUtf8() {
  static const bool taken = setlocale(LC_CTYPE, "") != nullptr;
  return taken && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

absl::StatusOr<std::unique_ptr<TopScreen>> TopScreen::Open(bool colour) {
  const bool utf8 = LocaleIsUtf8();
  const char* const named = getenv("TERM");
  const std::string kind = named == nullptr ? "" : named;
  termios modes = {};
  if (tcgetattr(STDOUT_FILENO, &modes) != 0) return absl::FailedPreconditionError("standard output: is no terminal: use --once");
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    return absl::FailedPreconditionError(
        fmt::format("TERM={}: no such terminal is known here: set TERM to one that is (vt100, xterm), or use --once", kind));
  }
  auto rescue = std::make_unique<TerminalRescue>(STDOUT_FILENO, modes, LeaveSequence());
  std::unique_ptr<TopScreen> opened(new TopScreen(std::move(rescue), screen, colour, utf8));
  if (tigetstr("cup") == nullptr) {
    return absl::FailedPreconditionError(fmt::format("TERM={}: its cursor cannot be moved: use another terminal, or --once", kind));
  }
  return opened;
}

TopScreen::TopScreen(std::unique_ptr<TerminalRescue> rescue, ::screen* screen, bool colour, bool utf8)
    : rescue_(std::move(rescue)), screen_(screen), utf8_(utf8) {
  set_term(screen_);
  set_escdelay(kEscapeDelayMs);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  if (colour && has_colors() && start_color() == OK) {
    // Of the terminal's own background, where it can be had.
    const short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(kWarningPair, COLOR_RED, background);
    init_pair(kKindPair, COLOR_YELLOW, background);
    init_pair(kStrongPair, COLOR_CYAN, background);
    colour_ = true;
  }
}

TopScreen::~TopScreen() {
  endwin();
  delscreen(screen_);
}

TopSize TopScreen::size() const {
  return {COLS, LINES};
}

void TopScreen::Show(const TopPage& page) {
  erase();
  int y = 0;
  for (const TopLine& line : page.lines) {
    move(y++, 0);
    for (const TopSpan& span : line) {
      attrset(AttributesOf(span.style, colour_));
      addstr(span.text.c_str());
    }
  }
  attrset(A_NORMAL);
  refresh();
}

std::optional<TopKey> TopScreen::Read() {
  wint_t code = 0;
  const int kind = get_wch(&code);
  if (kind == ERR) return std::nullopt;
  return kind == KEY_CODE_YES ? OfCode(code) : OfCharacter(code);
}

int TopScreen::input_fd() const {
  return STDIN_FILENO;
}

void TopScreen::Resize() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  resizeterm(size.ws_row, size.ws_col);
  // What the terminal did to its text while it changed is not known: all of it is written anew.
  clearok(curscr, TRUE);
}

void TopScreen::Leave() {
  endwin();
}

void TopScreen::Return() {
  refresh();
  Resize();
}

}  // namespace hftmon
