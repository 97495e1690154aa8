class ConversationKeeper
  include Singleton

  def initialize
    @items = {}
  end
end
