#include "daemon/os/task_priority.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <string>

namespace hftmon {
namespace {

std::string Stat(const std::string& name, const std::string& priority, const std::string& policy) {
  return "4711 (" + name + ") S 1 4711 4711 0 -1 4194304 100 0 0 0 1 2 0 0 " + priority +
         " 0 3 0 12345 1000000 200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 3 5 " + policy + " 0 0 0\n";
}

TEST(TaskPriorityTest, TheKernelsPriorityIsToldWhateverTheNameHolds) {
  const auto fifo = ParseTaskPriority(Stat("a) S 1 (b", "-31", "1"));
  ASSERT_TRUE(fifo.ok()) << fifo.status();
  EXPECT_EQ(fifo->priority, 69) << "FIFO 30";
  EXPECT_EQ(fifo->policy, 1u);
  const auto other = ParseTaskPriority(Stat("matcher", "20", "0"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->priority, 120);
  const auto deadline = ParseTaskPriority(Stat("matcher", "-101", "6"));
  ASSERT_TRUE(deadline.ok());
  EXPECT_EQ(deadline->priority, -1);
}

TEST(TaskPriorityTest, WhatIsNoStatIsRefused) {
  for (const std::string& text : {std::string(), std::string("4711 matcher S 1"), std::string("4711 (m) S 1 2"), Stat("m", "x", "0")}) {
    EXPECT_FALSE(ParseTaskPriority(text).ok()) << text;
  }
}

TEST(TaskPriorityTest, TheThreadsOwnIsRead) {
  const auto own = ReadTaskPriority(FileRoot(), static_cast<uint32_t>(getpid()), static_cast<uint32_t>(gettid()));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(static_cast<int>(own->policy), sched_getscheduler(0));
  EXPECT_FALSE(ReadTaskPriority(FileRoot(), 1u << 23, 1u << 23).ok());
}

}  // namespace
}  // namespace hftmon
