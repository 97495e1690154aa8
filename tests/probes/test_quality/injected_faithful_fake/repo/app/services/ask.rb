class Ask
  def initialize(history, chat: RubyLLM.chat(provider: :openrouter))
    @history = history
    @chat = chat
  end

  def call(text)
    @history.each { |turn| @chat.add_message(role: turn[:role], content: turn[:content]) }
    @chat.ask(text).content
  rescue RubyLLM::Error
    "No answer"
  end
end
