class Reply
  def initialize(conversation:) = @conversation = conversation

  def call(text)
    chat = @conversation.to_llm
    reply = chat.ask(text)
    chat.last_message
    reply.content
  end
end
