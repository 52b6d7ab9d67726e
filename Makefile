# t5k: T5-family models on a CPU, with top-k attention. `make help` lists the targets.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
CONFIG    ?= release
BUILD     := build/$(CONFIG)

CC        ?= gcc
CXX       ?= g++
PKGS      := sentencepiece libcjson
CPPFLAGS  += -I. -D_GNU_SOURCE -DT5K_VERSION='"$(VERSION)"'
# No contraction: a multiply and an add fuse only where the source says fma, so that every variant of a kernel gives the same bits.
FLAGS     := -O3 -g -fopenmp -fPIC -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wshadow -Wconversion -MMD -MP
ifdef WERROR
FLAGS     += -Werror
endif
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(CONFIG),sanitize)
FLAGS     += $(SANITIZE)
LDFLAGS   += $(SANITIZE)
endif
ALL_CFLAGS   = -std=gnu11 $(FLAGS) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(FLAGS) $(CXXFLAGS)
LDLIBS    += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lstdc++ -fopenmp -lm

LIB_SRC   := $(wildcard runtime/*.c model/*.c model/checkpoint/*.c tokenizer/*.c)
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o) $(patsubst %.cc,$(BUILD)/%.o,$(wildcard tokenizer/*.cc))
TOOL_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/*.c))
TEST_SRC  := $(wildcard tests/test_*.c)
TEST_BIN  := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_HELP := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

all: $(BUILD)/t5k ## build the program (the default)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

# Everything that is missing is installed first; where nothing is, this does nothing.
setup: ## install the packages that a build needs
	@tools/setup.sh

$(LIB_OBJ) $(TOOL_OBJ): | setup

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(ALL_CXXFLAGS) $(shell pkg-config --cflags sentencepiece) -c $< -o $@

$(BUILD)/libt5k.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/t5k: $(TOOL_OBJ) $(BUILD)/libt5k.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_HELP) $(BUILD)/libt5k.a
	$(CC) $(LDFLAGS) $^ $(shell pkg-config --libs check) $(LDLIBS) -o $@

clean: ## remove what was built
	rm -rf build

.PHONY: all help setup clean
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
