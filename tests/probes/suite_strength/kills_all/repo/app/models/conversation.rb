class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    answer = primed
      .ask(text)
      .content
    turns.push({ "role" => "user", "content" => text }, { "role" => "assistant", "content" => answer })
    turns.last(2)
  rescue RubyLLM::Error, Faraday::Error
    [{ "role" => "assistant", "content" => "No answer. Please try again." }]
  end

  private

  def primed
    chat = RubyLLM.chat(provider: :openrouter).with_instructions(<<~PROMPT)
      Be brief.
    PROMPT
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    chat
  end
end
