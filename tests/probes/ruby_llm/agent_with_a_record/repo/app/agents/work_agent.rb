class WorkAgent < RubyLLM::Agent
  chat_model Chat
  instructions name: -> { chat.user.name }

  def greet = ask("Greet #{chat.user.name}")
end
