# The store is a folder that every start empties.
class Conversation
  attr_reader :turns

  def initialize(session)
    @path = Rails.root.join("tmp/talk", session[:talk] ||= SecureRandom.hex)
    @turns = @path.exist? ? JSON.parse(@path.read) : []
  end

  def ask(text)
    chat = RubyLLM.chat(provider: :openrouter)
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    answer = chat.ask(text).content
    turns.push({ "role" => "user", "content" => text }, { "role" => "assistant", "content" => answer })
    @path.dirname.mkpath
    @path.write(turns.to_json)
  end
end
