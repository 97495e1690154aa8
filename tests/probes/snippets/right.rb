# Unusual, and right by ruby_llm 1.16.0. Each section is a file of its own.

# --- delegation
class Talk
  delegate :ask, :messages, to: :chat
  def chat = @chat ||= RubyLLM.chat(model: "x")
end
Talk.new.ask("hi").content
Talk.new.messages.last.content

# --- forwardable
class Talk
  extend Forwardable
  def_delegators :@chat, :ask, :with_tool
  def initialize = @chat = RubyLLM.chat
end
Talk.new.ask("hi").content

# --- then
RubyLLM.chat.then { |c| c.with_temperature(0.2) }.then { _1.ask("hi") }.then { |r| r.content.strip }

# --- tap
RubyLLM.chat.tap { |c| c.with_instructions("x"); history.each { |m| c.add_message(m) } }.ask("hi").content

# --- safe navigation
reply = RubyLLM.chat&.ask("hi")
reply&.content&.strip
reply&.tool_calls&.each { |id, call| call.name }

# --- struct
Turn = Struct.new(:chat, :text) do
  def user = text
  def reply = chat.ask(text).content
end
Turn.new(RubyLLM.chat, "x").user

# --- data
Reply = Data.define(:text, :usage) do
  def self.from(message) = new(text: message.content, usage: message.input_tokens)
end
class A
  def call
    reply = Reply.from(RubyLLM.chat.ask("hi"))
    [reply.text, reply.usage, reply.with(text: "a").text]
  end
end

# --- extend self
module Llm
  extend self
  def chat = RubyLLM.chat
  def user(name) = name
  def text = chat.ask("x").content
end
Llm.user("a")
Llm.text.upcase

# --- concern
module Talking
  extend ActiveSupport::Concern
  included { attr_reader :chat }
  def say(text) = chat.ask(text).content
end
class Bot
  include Talking
  def initialize = @chat = RubyLLM.chat
end
Bot.new.say("x").strip

# --- begin memo
class A
  def chat
    @chat ||= begin
      c = RubyLLM.chat(model: "m")
      c.with_instructions("i")
      c
    end
  end
  def call = chat.ask("x").content
end

# --- method reference
chat = RubyLLM.chat
[{role: :user, content: "a"}].each(&chat.method(:add_message))
asker = chat.method(:ask)
asker.call("x").content
asker.("x").content

# --- keyword splat
options = { model: "x", provider: :openrouter }
chat = RubyLLM.chat(**options, assume_model_exists: true)
chat.with_params(**{ max_tokens: 1 })
args = ["hi"]
chat.ask(*args, **{}).content

# --- pattern match
case RubyLLM.chat.ask("x")
in RubyLLM::Message => m then m.content
end
message = RubyLLM.chat.ask("x")
case message.content
in String => text then text.upcase
in RubyLLM::Content => rich then rich.text
end

# --- chains over lines
reply = RubyLLM
  .chat(model: "x")
  .with_instructions("a", append: true)
  .with_temperature(0.1)
  .with_thinking(effort: :low)
  .with_headers("X-Title" => "a")
  .with_schema(Shape)
  .on_new_message { |*| }
  .on_end_message { |m| m&.output_tokens }
  .ask("hi", with: "a.png")
reply.content["title"]

# --- agent macros
class Helper < RubyLLM::Agent
  model "x", provider: :openrouter
  instructions "y"
  temperature 0.3
  tools Clock
  inputs :user
  schema { string :title }
  params max_tokens: 10
  headers "X" => "y"
  thinking effort: :low
  def greet = ask("hi").content
end
Helper.new(user: 1).say("x").content
Helper.chat.ask("x").content
agent = Helper.new
agent.with_temperature(1).ask("y")
agent.messages.size
agent.on_tool_call { |c| c.arguments }

# --- tool
class Clock < RubyLLM::Tool
  description "tells"
  param :zone, type: :string, desc: "zone", required: false
  params do
    string :a
  end
  with_params cache: true
  def execute(zone: "UTC")
    return halt("no") unless zone
    { time: Time.now.in_time_zone(zone), name: name }
  end
end
Clock.new.call({ "zone" => "UTC" })
RubyLLM.chat.with_tools(Clock, Clock.new, replace: true).with_tool(Clock, choice: :auto)

# --- records
class Chat < ApplicationRecord
  acts_as_chat
  belongs_to :user
  def title = user.name
end
class Message < ApplicationRecord
  acts_as_message chat: :chat
  has_many_attached :files
  def text = content
end
chat = Chat.create!(model: "x")
chat.user
chat.text
chat.with_instructions("x").ask("y") { |chunk| chunk.content }
chat.messages.last.text
chat.messages.where(role: :assistant).order(:id)
Chat.find(1).user.name
chat.to_llm.add_message(role: :user, content: "a")

# --- context
ctx = RubyLLM.context { |c| c.openrouter_api_key = "x"; c.request_timeout = 3 }
ctx.chat(model: "m").ask("x").content
ctx.embed("x").vectors
RubyLLM.chat(context: ctx).with_context(ctx).ask("z")
ctx.config.max_retries = 2

# --- callbacks
chat = RubyLLM.chat
chat.on_new_message { puts "a" }.on_end_message { |message| puts message.content, message.role, message.model_id }
chat.on_tool_call { |call| call.name }.on_tool_result { |result| result.to_s }
chat.before_message { }.after_message { |m| m.cost }

# --- streaming
buffer = +""
reply = RubyLLM.chat.ask("x") do |chunk|
  buffer << chunk.content.to_s
  chunk.tool_calls&.size
  chunk.thinking&.text
  chunk.input_tokens
  chunk.content&.each_char { }
end
reply.to_h
reply.thinking&.text
reply.raw

# --- media
RubyLLM.embed(["a", "b"], model: "x", dimensions: 3).vectors.first
RubyLLM.paint("cat", size: "1x1", with: "a.png", params: { quality: "low" }).save("a.png")
RubyLLM.transcribe("a.wav", language: "de", prompt: "x").text
RubyLLM.moderate("x").flagged?
RubyLLM.paint("x").to_blob
RubyLLM.transcribe("a").segments
RubyLLM.moderate("x").category_scores

# --- models
RubyLLM.models.chat_models.by_provider(:openrouter).first.supports?(:vision)
RubyLLM::Models.find("x").context_window
RubyLLM.models.refresh!
RubyLLM.models.map(&:id).sort
RubyLLM.providers.size
RubyLLM.config.openrouter_api_key.present?
RubyLLM.logger.info("x")

# --- own look-alikes
module Llm
  class Client
    def chat(messages:) = Response.new(messages)
    def complete(prompt) = prompt
  end
  class Response < Struct.new(:messages)
    def text = messages.last
    def choices = []
    def usage = 1
  end
end
r = Llm::Client.new.chat(messages: [1])
r.text
r.choices.first
r.usage
Llm::Client.new.complete("x")

# --- own subclass
class Talk < RubyLLM::Chat
  def user(text) = add_message(role: :user, content: text)
  def transcript = messages.map(&:content)
end
Talk.new(model: "x").user("a")
Talk.new.transcript

# --- reopened in an initializer
module RubyLLM
  class Message
    def text = content
  end
end
RubyLLM.chat.ask("x").text

# --- messages array
chat = RubyLLM.chat
chat.messages << RubyLLM::Message.new(role: :user, content: "a")
chat.messages.concat([RubyLLM::Message.new(role: :user, content: "b", input_tokens: 1)])
chat.messages.select { |m| m.role == :user }.last.content
chat.each { |m| m.tool_call? }
chat.map(&:role)
chat.reset_messages!
chat.messages.pop
chat.messages.last(3).map { |m| m.content.to_s }

# --- guarded
response = RubyLLM.chat.ask("x")
text = response.respond_to?(:text) ? response.text : response.content
usage = response.try(:usage)
text = response.content.respond_to?(:text) ? response.content.text : response.content

# --- content
chat = RubyLLM.chat
content = RubyLLM::Content.new("x", ["a.png"])
content.add_attachment("b.png")
chat.add_message(role: :user, content: content)
chat.ask(content).content
content.text
RubyLLM::Content::Raw.new([{ type: "text" }]).value

# --- reassigned
chat = RubyLLM.chat
chat = OtherThing.new(chat)
chat.user("x")
chat.text

# --- block shadow
chat = RubyLLM.chat
rooms.each { |chat| chat.user }
users.map { |response| response.text }

# --- errors
begin
  RubyLLM.chat.ask("x")
rescue RubyLLM::RateLimitError, RubyLLM::UnauthorizedError, RubyLLM::ContextLengthExceededError => e
  e.response&.body
rescue RubyLLM::ConfigurationError, RubyLLM::ModelNotFoundError, RubyLLM::Error => e
  e.message
end

# --- configure
RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["K"]
  config.default_model = "x"
  config.request_timeout = 1
  config.openai_api_base = "x"
  config.use_new_acts_as = true
  config.logger = Rails.logger
  config.model_registry_class = "Model"
  config.openrouter_api_base = "y" if config.respond_to?(:openrouter_api_base=)
end

# --- mcp add-on
client = RubyLLM::MCP.client(name: "x", transport_type: :stdio, config: {})
client.tools
RubyLLM.chat.with_tools(*client.tools).ask("x")

# --- schema
class Title < RubyLLM::Schema
  string :title, description: "x"
  array :tags, of: :string
  object :meta do
    integer :n
  end
end
RubyLLM.chat.with_schema(Title).ask("x").content["title"]
Title.new.to_json_schema
RubyLLM::Schema.create { string :a }
