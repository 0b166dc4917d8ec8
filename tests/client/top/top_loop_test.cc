// The loop against a terminal that plays its keys.
#include "client/top/top_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <deque>

#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// Its keys are pressed one a page: the next once the page that the one before made was shown.
class PlayedTerminal : public TopTerminal {
 public:
  explicit PlayedTerminal(std::deque<TopKey> keys) : keys_(std::move(keys)) {
    if (pipe(fds_.data()) != 0) ADD_FAILURE() << "no pipe";
    SayReadable();
  }
  ~PlayedTerminal() override {
    close(fds_[0]);
    CloseWriteEnd();
  }

  TopSize size() const override { return size_; }
  bool utf8() const override { return false; }
  void Show(const TopPage& page) override {
    pages.push_back(PageText(page));
    may_read_ = true;
    if (on_page) on_page(pages.size());
  }
  std::optional<TopKey> Read() override {
    if (!may_read_ || keys_.empty()) return std::nullopt;
    may_read_ = false;
    TopKey key = keys_.front();
    keys_.pop_front();
    return key;
  }
  int input_fd() const override { return fds_[0]; }
  void Resize() override { size_ = {60, 15}; }
  void Leave() override { ++left; }
  void Return() override { ++returned; }

  void SayReadable() {
    if (write(fds_[1], "x", 1) != 1) ADD_FAILURE() << "the pipe is full";
  }
  void CloseWriteEnd() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  // The input that makes it readable, as a real one is read.
  void Drain() {
    char byte = 0;
    if (read(fds_[0], &byte, 1) != 1) ADD_FAILURE() << "nothing to read";
  }

  std::vector<std::string> pages;
  std::function<void(size_t)> on_page;
  int left = 0;
  int returned = 0;

 private:
  std::deque<TopKey> keys_;
  std::array<int, 2> fds_{-1, -1};
  TopSize size_{80, 24};
  bool may_read_ = false;
};

class TopLoopTest : public ::testing::Test {
 protected:
  TopLoopTest() : signals_(TopSignals::Block().value()), model_(FilledTop()) {}

  int Run(PlayedTerminal& terminal) {
    return RunTopLoop(terminal, *signals_, queue_, model_, TestTexts(),
                      [this](const TopSpike& spike) { looked_for_.push_back(spike.spike.id()); });
  }

  std::unique_ptr<TopSignals> signals_;
  TopQueue queue_;
  TopModel model_;
  std::vector<uint64_t> looked_for_;
};

TEST_F(TopLoopTest, QEndsIt) {
  PlayedTerminal terminal({Character("q")});
  EXPECT_EQ(Run(terminal), 0);
  ASSERT_EQ(terminal.pages.size(), 1u);
  EXPECT_THAT(terminal.pages[0], HasSubstr("hftmon top"));
}

TEST_F(TopLoopTest, EachKeyIsFollowedByItsPage) {
  PlayedTerminal terminal({Special(TopKey::Kind::kEnter), Special(TopKey::Kind::kEscape), Character("q")});
  EXPECT_EQ(Run(terminal), 0);
  ASSERT_EQ(terminal.pages.size(), 3u);
  EXPECT_THAT(terminal.pages[1], HasSubstr("spike 3: where its time went"));
  EXPECT_EQ(terminal.pages[2], terminal.pages[0]);
  EXPECT_EQ(looked_for_, std::vector<uint64_t>{3});
}

TEST_F(TopLoopTest, WhatComesIsShown) {
  PlayedTerminal terminal({});
  terminal.Drain();
  terminal.on_page = [this](size_t count) {
    if (count == 1) queue_.Push(TopSpikeOf(4, "late one", 4711));
    if (count == 2) raise(SIGTERM);
  };
  EXPECT_EQ(Run(terminal), SIGTERM);
  ASSERT_EQ(terminal.pages.size(), 2u);
  EXPECT_THAT(terminal.pages[1], HasSubstr("late one[4711]"));
}

TEST_F(TopLoopTest, SignalsThatEndProgramsEndItAndAreTold) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    PlayedTerminal terminal({});
    terminal.on_page = [signal](size_t) { raise(signal); };
    EXPECT_EQ(Run(terminal), signal);
  }
}

TEST_F(TopLoopTest, ANewSizeIsShownAtOnce) {
  PlayedTerminal terminal({});
  terminal.Drain();
  terminal.on_page = [](size_t count) { raise(count == 1 ? SIGWINCH : SIGTERM); };
  EXPECT_EQ(Run(terminal), SIGTERM);
  ASSERT_EQ(terminal.pages.size(), 2u);
  EXPECT_EQ(std::count(terminal.pages[0].begin(), terminal.pages[0].end(), '\n'), 24);
  EXPECT_EQ(std::count(terminal.pages[1].begin(), terminal.pages[1].end(), '\n'), 15);
}

TEST_F(TopLoopTest, ATerminalThatIsGoneEndsItAsAHangUp) {
  PlayedTerminal terminal({});
  terminal.Drain();
  terminal.CloseWriteEnd();
  EXPECT_EQ(Run(terminal), SIGHUP);
}

TEST_F(TopLoopTest, AwaitingEndsWithTheTroubleThatComes) {
  TopModel empty;
  queue_.Push(TopStatus());
  queue_.Push(TopConnection{"NO ANSWER: gone"});
  const absl::Status status = AwaitTopData(queue_, empty, 60'000'000'000);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("gone"));
}

TEST_F(TopLoopTest, AwaitingHasADeadline) {
  TopModel empty;
  queue_.Push(TopStatus());
  EXPECT_EQ(AwaitTopData(queue_, empty, 1).code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace hftmon
