# Wrong by ruby_llm 1.16.0. Each section is a file of its own; after its name the area of what is invented.

# --- chat.user: dsl
RubyLLM.chat.user("x")

# --- then user: dsl
RubyLLM.chat.then { |c| c.user("x") }

# --- tap send_message: dsl
RubyLLM.chat.tap { |c| c.send_message("x") }

# --- numbered: dsl
RubyLLM.chat.tap { _1.with_system("x") }

# --- it: dsl
RubyLLM.chat.tap { it.with_system("x") }

# --- safe navigation: response
RubyLLM.chat&.ask("x")&.text

# --- memo begin: dsl
class A
  def chat
    @chat ||= begin
      RubyLLM.chat
    end
  end
  def call = chat.message("x")
end

# --- ivar in initialize: dsl
class A
  def initialize(chat: RubyLLM.chat)
    @chat = chat
  end
  def call = @chat.completion("x")
end

# --- reader: dsl
class A
  attr_reader :chat
  def initialize = @chat = RubyLLM.chat
  def call = chat.generate_reply("x")
end

# --- delegated: dsl
class A
  delegate :user, to: :chat
  def chat = @chat ||= RubyLLM.chat
end
A.new.user("x")

# --- struct member: dsl
Turn = Struct.new(:chat)
Turn.new(RubyLLM.chat).chat.user("x")

# --- extend self: dsl
module Llm
  extend self
  def chat = RubyLLM.chat
end
Llm.chat.assistant("x")

# --- module_function: response
module Llm
  module_function
  def reply(t) = RubyLLM.chat.ask(t)
end
Llm.reply("x").text

# --- concern: dsl
module T
  extend ActiveSupport::Concern
  def chat = @chat ||= RubyLLM.chat
end
class B
  include T
  def call = chat.run("x")
end

# --- lambda: response
ask = ->(t) { RubyLLM.chat.ask(t) }
ask.call("x").output_text

# --- method reference: response
ask = RubyLLM.chat.method(:ask)
ask.call("x").choices

# --- ternary: dsl
c = flag ? RubyLLM.chat : RubyLLM.chat(model: "y")
c.with_history([])

# --- case: dsl
c = case x when 1 then RubyLLM.chat else RubyLLM.chat(model: "y") end
c.prompt("x")

# --- if value: dsl
c = if x then RubyLLM.chat else RubyLLM.chat(model: "y") end
c.prompt("x")

# --- pattern variable: response
case RubyLLM.chat.ask("x")
in RubyLLM::Message => m
  m.text
end

# --- rightward: response
RubyLLM.chat.ask("x") => reply
reply.text

# --- chain end: dsl
RubyLLM
  .chat
  .with_temperature(1)
  .with_max_tokens(3)
  .ask("x")

# --- deep accessor: response
RubyLLM.chat.ask("x").usage.prompt_tokens

# --- dig: response
RubyLLM.chat.ask("x").dig("choices", 0)

# --- index: response
RubyLLM.chat.ask("x")["content"]

# --- chunk: response
RubyLLM.chat.ask("x") { |chunk| print chunk.delta }

# --- chunk do: response
RubyLLM.chat.ask("x") do |c|
  c.text
end

# --- keyword messages: signature
RubyLLM.chat(messages: [])

# --- keyword temperature: signature
RubyLLM.chat(model: "x", temperature: 1).ask("x")

# --- positional chat: signature
RubyLLM.chat("x")

# --- ask keywords: signature
RubyLLM.chat.ask(role: :user, content: "x")

# --- ask prompt: signature
RubyLLM.chat.ask(prompt: "x")

# --- ask array: signature
history = []
RubyLLM.chat.ask(history)

# --- ask map: signature
RubyLLM.chat.ask(messages.map { |m| m.content })

# --- complete positional: signature
RubyLLM.chat.complete("x")

# --- messages=: dsl
RubyLLM.chat.messages = []

# --- messages= with tap: dsl
RubyLLM.chat.tap { |c| c.messages = [] }

# --- temperature=: dsl
chat = RubyLLM.chat
chat.temperature = 1

# --- client: entry
RubyLLM::Client.new

# --- client chain: entry
client = RubyLLM::Client.new(api_key: "x")
client.chat

# --- conversation: entry
RubyLLM::Conversation.new

# --- wrong case: entry
RubyLlm.chat.ask("x")

# --- module method: entry
RubyLLM.complete("x")

# --- module new: entry
RubyLLM.new

# --- chat.new: dsl
RubyLLM.chat.new(model: "x")

# --- chat block: dsl
RubyLLM.chat do |c|
  c.system "x"
end

# --- with_model block: dsl
RubyLLM::Chat.new.with_model("x") { |c| c.ask("y") }

# --- message.new keyword: signature
RubyLLM.chat.add_message(:user, "x")

# --- embedding: response
RubyLLM.embed("x").embedding

# --- image: response
RubyLLM.paint("x").image_url

# --- transcription: response
RubyLLM.transcribe("x").content

# --- moderation: response
RubyLLM.moderate("x").safe?

# --- option: dsl
RubyLLM.configure { |c| c.api_key = "x" }

# --- option default_provider: dsl
RubyLLM.configure do |config|
  config.default_provider = :openrouter
end

# --- option via config: dsl
RubyLLM.config.timeout = 3

# --- context option: dsl
RubyLLM.context { |c| c.provider = :x }

# --- error: error
begin
  RubyLLM.chat.ask("x")
rescue RubyLLM::APIError => e
end

# --- error modifier list: error
ERRORS = [RubyLLM::Error, RubyLLM::TimeoutError].freeze

# --- error rescue_from: error
class A < ApplicationController
  rescue_from RubyLLM::AuthenticationError, with: :x
end

# --- agent method: dsl
class H < RubyLLM::Agent
  model "x"
end
H.new.run("x")

# --- agent macro: entry
class H < RubyLLM::Agent
  system_prompt "x"
end

# --- agent class method: entry
class H < RubyLLM::Agent
end
H.ask("x")

# --- agent subclass of own: dsl
class Base < RubyLLM::Agent
end
class H < Base
end
H.new.respond("x")

# --- tool macro: entry
class T < RubyLLM::Tool
  parameter :x
  def execute(x:) = x
end

# --- messages last text: response
RubyLLM.chat.messages.last.text

# --- messages map: response
RubyLLM.chat.messages.map { |m| m.body }

# --- symbol to proc: response
RubyLLM.chat.messages.map(&:text)

# --- each: response
RubyLLM.chat.each { |m| m.text }

# --- with_tool keyword: signature
RubyLLM.chat.with_tool(X, required: true)

# --- with_instructions keyword: signature
RubyLLM.chat.with_instructions(text: "x")

# --- with_schema none: dsl
RubyLLM.chat.with_response_format(:json)

# --- public_send: dsl
RubyLLM.chat.public_send(:user, "x")

# --- on_message: dsl
RubyLLM.chat.on_message { |m| }

# --- end message yields: response
RubyLLM.chat.on_end_message { |m| m.text }

# --- returned from another class: dsl
class F
  def self.build = RubyLLM.chat
end
class A
  def call = F.build.user("x")
end

# --- helper with args: dsl
class A
  def call = reply(RubyLLM.chat)
  def reply(chat) = chat.user("x")
end

# --- multiple assignment: dsl
chat, n = RubyLLM.chat, 1
chat.user("x")

# --- or: dsl
chat = nil
chat ||= RubyLLM.chat
chat.user("x")

# --- hash fetch: dsl
CHATS = {}
chat = CHATS[1] ||= RubyLLM.chat
chat.user("x")

# --- rescue value: response
reply = RubyLLM.chat.ask("x") rescue nil
reply.text

# --- begin rescue value: response
def f
  RubyLLM.chat.ask("x")
rescue RubyLLM::Error
  nil
end
f.text

# --- string interpolation: response
"#{RubyLLM.chat.ask("x").text}"

# --- constant alias: dsl
LLM = RubyLLM
LLM.chat.user("x")

# --- chat class alias: dsl
Chatty = RubyLLM::Chat
Chatty.new.user("x")

# --- top level: dsl
::RubyLLM.chat.user("x")

# --- providers: entry
RubyLLM::Providers::Openrouter.new
