class ChatService
  DEFAULT_MESSAGES = [].freeze

  def initialize
    @messages = []
  end
end
