# Each process has a store of its own.
class Conversation
  STORE = Hash.new { |all, id| all[id] = [] }
  attr_reader :turns

  def initialize(session)
    @turns = STORE[session[:talk] ||= SecureRandom.hex]
  end

  def ask(text)
    chat = RubyLLM.chat(provider: :openrouter)
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    answer = chat.ask(text).content
    turns.push({ "role" => "user", "content" => text }, { "role" => "assistant", "content" => answer })
  end
end
